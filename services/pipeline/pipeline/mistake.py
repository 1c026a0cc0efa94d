"""The one error a person can mend. Apart from everything else, so that an executor need not load a database driver."""


class MistakeError(Exception):
    """Something given from outside is wrong: a variable, a folder, a file. The message says what to change."""
