"""
The HTTP service over the catalogue.

gunicorn -c python:pipeline.recommender.gunicorn_conf 'pipeline.recommender:create_app()'
"""

from pipeline.recommender.app import create_app

__all__ = ["create_app"]
