import { glob, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { LabFolders } from '../cluster/local/folders.ts'
import { type ContextPart, fileAt, textFile } from './context.ts'
import { goProgram } from './go-program.ts'
import { INSTALLED_LOCK, installedClosure, type Lock, nodeBinary, packageParts } from './node-packages.ts'
import { BASE, type Recipe } from './recipe.ts'
import { sourceClosure } from './sources.ts'

const AGENT_PROGRAM = 'services/agent/main.ts'

/** Loaded before a service's own program, which does not import it. */
const TELEMETRY = 'instrumentation/register.ts'

/** Files that only tests and tools read. */
const NOT_SHIPPED =
  /(^|\/)([^/]*\.test\.ts|test_[^/]*\.py|[^/]*_test\.py|conftest\.py|__pycache__|\.venv|[^/]*\.egg-info|\.[^/]*_cache)(\/|$)/

/** How Spark is started, and what makes its archive of loaded classes. */
const SPARK_FILES = [
  'spark-java',
  'spark-submit',
  'entrypoint.sh',
  'archive-classes',
  'rehearsal.py',
  'rehearsal_api.py',
  'sql_check.py',
]

/**
 * All images, in between and published. What seldom changes and takes long is an image of its own below what changes
 * often: a change of our sources adds a small layer in seconds.
 *
 *   base <- foundation <- services-packages <- services
 *                      <- python <- recommender-packages <- recommender
 *                                <- java <- ingest-packages <- ingest
 *                      <- jdk ...^, s3a ...^ and zipkin-fetched
 *                                <- telemetry-fetched, a part of both packages
 *                      <- zipkin
 *                      <- database-packages <- database
 *                      <- load-packages <- load
 *                      <- edge, observability
 *   services-packages  <- agent-packages <- agent
 */
export async function allRecipes(root: string, folders: LabFolders): Promise<readonly Recipe[]> {
  const recipe = recipeMaker(join(root, 'platform/images'))
  const node = await nodeSources(root)
  const pipeline = await pipelineParts(root)
  const requirements = (name: string) =>
    fileAt(join(root, `services/pipeline/requirements-${name}.txt`), 'requirements.txt')
  const onPython = { PYTHON_BUILD: 'python-build', PYTHON: 'python' }
  return Promise.all([
    recipe('foundation', 'foundation/Dockerfile', { BASE }, ['foundation/install-packages']),
    recipe('services-packages', 'services/packages.Dockerfile', onFoundation(), [], node.packages),
    recipe('services', 'services/Dockerfile', { PACKAGES: 'services-packages' }, [], node.services),
    recipe('python', 'python/Dockerfile', onFoundation()),
    recipe('python-build', 'python/build.Dockerfile', { PYTHON: 'python' }, ['python/fetch-packages']),
    fetching(
      recipe(
        'telemetry-fetched',
        'python/telemetry.Dockerfile',
        { PYTHON_BUILD: 'python-build' },
        [],
        [await requirements('telemetry')],
      ),
    ),
    fetching(
      recipe(
        'recommender-packages',
        'recommender/packages.Dockerfile',
        { ...onPython, TELEMETRY: 'telemetry-fetched' },
        [],
        [await requirements('recommender')],
      ),
    ),
    recipe('recommender', 'recommender/Dockerfile', { PACKAGES: 'recommender-packages' }, [], pipeline),
    recipe('jdk', 'ingest/jdk.Dockerfile', onFoundation()),
    recipe('java', 'ingest/java.Dockerfile', { JDK: 'jdk', PYTHON: 'python' }),
    fetching(
      recipe('s3a', 'ingest/s3a.Dockerfile', { JDK: 'jdk' }, [
        'ingest/s3a/pom.xml',
        'ingest/s3a/jars.sha256',
        'ingest/s3a/fetch-jars',
      ]),
    ),
    fetching(
      recipe(
        'ingest-fetched',
        'ingest/fetched.Dockerfile',
        { PYTHON_BUILD: 'python-build' },
        ['ingest/trim-spark'],
        [await requirements('ingest')],
      ),
    ),
    recipe(
      'ingest-packages',
      'ingest/packages.Dockerfile',
      { FETCHED: 'ingest-fetched', TELEMETRY: 'telemetry-fetched', S3A: 's3a', JAVA: 'java' },
      SPARK_FILES.map(name => `ingest/${name}`),
      await rehearsedParts(root),
    ),
    recipe('ingest', 'ingest/Dockerfile', { PACKAGES: 'ingest-packages' }, [], pipeline),
    recipe('database-packages', 'database/packages.Dockerfile', onFoundation()),
    recipe(
      'database',
      'database/Dockerfile',
      { PACKAGES: 'database-packages' },
      [],
      await databaseParts(root),
    ),
    recipe('edge', 'edge/Dockerfile', onFoundation()),
    recipe('observability', 'observability/Dockerfile', onFoundation()),
    fetching(
      recipe('zipkin-fetched', 'zipkin/fetched.Dockerfile', { JDK: 'jdk' }, [
        'zipkin/pom.xml',
        'zipkin/jars.sha256',
        'ingest/s3a/fetch-jars',
        'zipkin/unpack-zipkin',
      ]),
    ),
    recipe('zipkin', 'zipkin/Dockerfile', { FETCHED: 'zipkin-fetched', FOUNDATION: 'foundation' }),
    recipe('load-packages', 'load/packages.Dockerfile', onFoundation(), [], [await goProgram('k6', folders)]),
    recipe('load', 'load/Dockerfile', { PACKAGES: 'load-packages' }, [], node.load),
    recipe('agent-packages', 'agent/packages.Dockerfile', { PACKAGES: 'services-packages' }),
    recipe(
      'agent',
      'agent/Dockerfile',
      { PACKAGES: 'agent-packages' },
      ['agent/supervise'],
      [...node.agent, ...(await agentPrograms(folders))],
    ),
  ])
}

function onFoundation(): Recipe['parents'] {
  return { FOUNDATION: 'foundation' }
}

/** @param images folder that the paths of the Dockerfile and of `own` files start from */
function recipeMaker(images: string) {
  return async (
    name: string,
    dockerfile: string,
    parents: Recipe['parents'],
    own: readonly string[] = [],
    parts: readonly ContextPart[] = [],
  ): Promise<Recipe> => {
    const ownParts = own.map(path => fileAt(join(images, path), path.slice(path.lastIndexOf('/') + 1)))
    return {
      name,
      parents,
      dockerfile: await fileAt(join(images, dockerfile), 'Dockerfile'),
      parts: [...(await Promise.all(ownParts)), ...parts],
    }
  }
}

async function fetching(recipe: Promise<Recipe>): Promise<Recipe> {
  return { ...(await recipe), fetches: true }
}

/** Node, the packages and the sources of the services, and the sources of the load. */
async function nodeSources(root: string) {
  const lock = JSON.parse(await readFile(join(root, INSTALLED_LOCK), 'utf8')) as Lock
  const [programs, scripts] = await Promise.all([matching(root, 'services/*/main.ts'), k6Scripts(root)])
  const [services, load, agent] = await Promise.all([
    // The agent is an image of its own: what changes in it shall not restart the services.
    sourceClosure(root, [TELEMETRY, ...programs.filter(path => path !== AGENT_PROGRAM)]),
    sourceClosure(root, scripts),
    sourceClosure(root, [AGENT_PROGRAM]),
  ])
  // The agent's image stands on that of the services' packages, which have nearly all that it needs.
  const folders = installedClosure(lock, [...new Set([...services.packages, ...agent.packages])])
  return {
    packages: [nodeBinary(root, lock), ...packageParts(root, lock, folders)],
    agent: [...(await appParts(root, agent.files)), moduleMark()],
    services: [...(await appParts(root, services.files)), moduleMark()],
    load: [...(await appParts(root, load.files)), moduleMark()],
  }
}

/** Programs of our own that are too close to the kernel for Node. */
function agentPrograms(folders: LabFolders): Promise<readonly ContextPart[]> {
  return Promise.all((['launch', 'packet-delay'] as const).map(name => goProgram(name, folders)))
}

/** Without it Node would have to look into each file to learn what kind of module it is. */
function moduleMark(): ContextPart {
  return textFile('app/package.json', '{ "type": "module" }\n')
}

/** Scripts that k6 can be started with, and what they share of k6's own modules. */
async function k6Scripts(root: string): Promise<readonly string[]> {
  const candidates = (await matching(root, 'load/*.ts')).filter(path => !path.endsWith('.test.ts'))
  const texts = await Promise.all(candidates.map(path => readFile(join(root, path), 'utf8')))
  return candidates.filter((_, index) => /\bfrom 'k6(\/[^']*)?'/.test(texts[index] ?? ''))
}

/** The Python package and what it reads of the rest of the checkout, each at its own place below `app/`. */
async function pipelineParts(root: string): Promise<readonly ContextPart[]> {
  const own = await matching(root, 'services/pipeline/pipeline/**/*')
  const migrations = await matching(root, 'services/database/migrations/*.sql')
  return appParts(root, [
    'instrumentation/signals.json',
    ...migrations,
    ...own.filter(path => !NOT_SHIPPED.test(path)),
  ])
}

/** The part of the Python package that runs on Spark. A change of any of it is rehearsed again. */
async function rehearsedParts(root: string): Promise<readonly ContextPart[]> {
  const names = ['__init__', 'extract', 'midi', 'mistake', 'similarity', 'spark', 'transform']
  const folder = join(root, 'services/pipeline/pipeline')
  return Promise.all(names.map(name => fileAt(join(folder, `${name}.py`), `pipeline/${name}.py`)))
}

/** How a member starts. Not the migrations: they run from the recommender's image, and must not restart a member. */
async function databaseParts(root: string): Promise<readonly ContextPart[]> {
  const paths = await matching(root, 'services/database/*')
  const shipped = paths.filter(path => !NOT_SHIPPED.test(path))
  return Promise.all(shipped.map(path => fileAt(join(root, path), path.slice('services/'.length))))
}

function appParts(root: string, paths: readonly string[]): Promise<readonly ContextPart[]> {
  return Promise.all(paths.map(path => fileAt(join(root, path), `app/${path}`)))
}

/** Files, not folders, that match a pattern; sorted. */
async function matching(root: string, pattern: string): Promise<readonly string[]> {
  const paths: string[] = []
  for await (const path of glob(pattern, { cwd: root })) {
    if ((await stat(join(root, path))).isFile()) paths.push(path)
  }
  return paths.sort()
}
