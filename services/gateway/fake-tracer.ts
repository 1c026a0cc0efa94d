import {
  type Attributes,
  type Context,
  INVALID_SPAN_CONTEXT,
  type Span,
  type SpanContext,
  type SpanOptions,
  type SpanStatus,
  type Tracer,
  trace,
} from '@opentelemetry/api'

/** What a span was made to say. */
export type ToldSpan = {
  name: string
  readonly parentSpanId: string | undefined
  readonly context: SpanContext
  readonly attributes: Attributes
  readonly events: string[]
  status: SpanStatus | undefined
  ended: number
}

/** A tracer that keeps what it is told, and samples all or nothing. Ids count up. */
export class FakeTracer implements Tracer {
  readonly spans: ToldSpan[] = []
  readonly #sampled: boolean
  #lastId = 0

  constructor(sampled: boolean) {
    this.#sampled = sampled
  }

  startSpan(name: string, options: SpanOptions = {}, parent?: Context): Span {
    const above = (parent && trace.getSpanContext(parent)) ?? INVALID_SPAN_CONTEXT
    this.#lastId += 1
    const id = this.#lastId.toString(16)
    const known = above.traceId !== INVALID_SPAN_CONTEXT.traceId
    const told: ToldSpan = {
      name,
      parentSpanId: known ? above.spanId : undefined,
      context: {
        traceId: known ? above.traceId : id.padStart(32, 'a'),
        spanId: id.padStart(16, 'b'),
        traceFlags: this.#sampled ? 1 : 0,
      },
      attributes: { ...options.attributes },
      events: [],
      status: undefined,
      ended: 0,
    }
    this.spans.push(told)
    return new FakeSpan(told)
  }

  startActiveSpan(): never {
    throw new Error('Cannot start an active span: the gateway has none')
  }
}

class FakeSpan implements Span {
  readonly #told: ToldSpan

  constructor(told: ToldSpan) {
    this.#told = told
  }

  spanContext(): SpanContext {
    return this.#told.context
  }

  setAttribute(key: string, value: string | number): this {
    this.#told.attributes[key] = value
    return this
  }

  setAttributes(attributes: Attributes): this {
    Object.assign(this.#told.attributes, attributes)
    return this
  }

  addEvent(name: string): this {
    this.#told.events.push(name)
    return this
  }

  setStatus(status: SpanStatus): this {
    this.#told.status = status
    return this
  }

  updateName(name: string): this {
    this.#told.name = name
    return this
  }

  end(): void {
    this.#told.ended += 1
  }

  isRecording(): boolean {
    return true
  }

  addLink(): this {
    return this
  }

  addLinks(): this {
    return this
  }

  recordException(): void {}
}
