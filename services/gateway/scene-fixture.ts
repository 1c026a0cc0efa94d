import { type Behaviour, FakeRecommender, type Scene, startScene } from './fake-recommender.ts'

const started: FakeRecommender[] = []
const scenes: Scene[] = []

/** A recommender that behaves as told until `stopScenes`. */
export async function startFake(behaviour: Behaviour): Promise<FakeRecommender> {
  const fake = await FakeRecommender.start(behaviour)
  started.push(fake)
  return fake
}

/** A gateway in front of one recommender for each behaviour, until `stopScenes`. */
export async function scene(behaviours: readonly Behaviour[], env: Readonly<Record<string, string>> = {}) {
  const fakes = await Promise.all(behaviours.map(startFake))
  const made = await startScene(
    fakes.map(fake => fake.authority),
    env,
  )
  scenes.push(made)
  const get = (path: string) => fetch(made.url + path)
  const post = (headers: Record<string, string>) =>
    fetch(`${made.url}/plays`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: '{"song":"x"}',
    })
  return { ...made, fakes, get, post }
}

/** Ends what a test began, gateways before what they ask. */
export async function stopScenes(): Promise<void> {
  await Promise.all(scenes.splice(0).map(({ gateway }) => gateway.drain()))
  await Promise.all(started.splice(0).map(fake => fake.stop()))
}
