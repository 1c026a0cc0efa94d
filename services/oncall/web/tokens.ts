/**
 * Every colour of the console, once for each theme; style sheet and charts take them from here, and a test computes
 * the contrast of every pair that is used. Blue and orange keep the groups apart for every kind of colour blindness, and
 * no meaning hangs on colour alone: each state has a word and a shape.
 */
export type Token = keyof typeof LIGHT
export type Tokens = Readonly<Record<Token, string>>

const LIGHT = {
  paper: '#fbfaf7',
  raised: '#ffffff',
  sunken: '#f2f0eb',
  ink: '#1b1c20',
  ink2: '#55585f',
  rule: '#e4e1da',
  rule2: '#8b877d',
  control: '#1d5fa6',
  experiment: '#b5480c',
  attack: '#f3ead9',
  attackEdge: '#d9c49a',
  healthy: '#0a6b5c',
  healthyTint: '#e6f2ef',
  attacked: '#6a35b1',
  attackedTint: '#efe8f9',
  recovering: '#7a5600',
  recoveringTint: '#f8efd7',
  down: '#a01d3c',
  downTint: '#fae7eb',
  unknown: '#4a4e59',
  unknownTint: '#eceae6',
  action: '#1b1c20',
  actionText: '#ffffff',
  danger: '#a01d3c',
  dangerText: '#ffffff',
  focus: '#1d5fa6',
  series1: '#1d5fa6',
  series2: '#b5480c',
  series3: '#0a6b5c',
  series4: '#6a35b1',
  series5: '#8a6100',
  series6: '#a01d3c',
  series7: '#0b6f8f',
  series8: '#5c6670',
} as const

const DARK: Tokens = {
  paper: '#131518',
  raised: '#1b1e22',
  sunken: '#0e1012',
  ink: '#ebebe8',
  ink2: '#a7abb3',
  rule: '#2c3036',
  rule2: '#737982',
  control: '#7db3f2',
  experiment: '#f6a062',
  attack: '#2c2720',
  attackEdge: '#5a4c34',
  healthy: '#5fd0ba',
  healthyTint: '#15302c',
  attacked: '#c6a6ff',
  attackedTint: '#2b2140',
  recovering: '#e6c05a',
  recoveringTint: '#332a12',
  down: '#ff93a6',
  downTint: '#3b1a22',
  unknown: '#b9bdc7',
  unknownTint: '#282b30',
  action: '#ebebe8',
  actionText: '#131518',
  danger: '#ff93a6',
  dangerText: '#131518',
  focus: '#7db3f2',
  series1: '#7db3f2',
  series2: '#f6a062',
  series3: '#5fd0ba',
  series4: '#c6a6ff',
  series5: '#e6c05a',
  series6: '#ff93a6',
  series7: '#6cc8e6',
  series8: '#a7abb3',
}

export const THEMES = { light: LIGHT as Tokens, dark: DARK } as const
export type ThemeName = keyof typeof THEMES

/** Text on what it stands on: WCAG 2.2 AA asks for 4.5. */
const TEXT = 4.5
/** Lines of charts, edges of controls and the ring of the focus: AA asks for 3. */
const GRAPHIC = 3

const onEverySurface = (token: Token, least: number) =>
  (['paper', 'raised', 'sunken'] as const).map(surface => [token, surface, least] as const)

/** Pairs of colours that meet on a page: foreground, background, least contrast. */
export const PAIRS: readonly (readonly [Token, Token, number])[] = [
  ...(['ink', 'ink2', 'control', 'experiment', 'danger'] as const).flatMap(token =>
    onEverySurface(token, TEXT),
  ),
  ...(['healthy', 'attacked', 'recovering', 'down', 'unknown'] as const).flatMap(state => [
    ...onEverySurface(state, TEXT),
    [state, `${state}Tint`, TEXT] as const,
    ['ink', `${state}Tint`, TEXT] as const,
    ['ink2', `${state}Tint`, TEXT] as const,
  ]),
  ['actionText', 'action', TEXT],
  ['dangerText', 'danger', TEXT],
  ['ink', 'attack', TEXT],
  ['ink2', 'attack', TEXT],
  ...onEverySurface('rule2', GRAPHIC),
  ...onEverySurface('focus', GRAPHIC),
  ...([1, 2, 3, 4, 5, 6, 7, 8] as const).flatMap(number => onEverySurface(`series${number}`, GRAPHIC)),
]

/**
 * Contrast of two colours as WCAG 2.2 defines it.
 *
 * @param one `#rrggbb`
 * @param other `#rrggbb`
 * @returns 1 (the same) to 21 (black on white)
 */
export function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (light + 0.05) / (dark + 0.05)
}

function luminance(colour: string): number {
  if (!/^#[0-9a-f]{6}$/.test(colour))
    throw new RangeError(`Cannot read colour '${colour}': it is not #rrggbb`)
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map(at => {
    const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/** Declarations of all tokens as custom properties: `rule2` is `--rule-2`, `attackEdge` is `--attack-edge`. */
export function declarations(theme: ThemeName): string {
  return Object.entries(THEMES[theme])
    .map(([token, colour]) => `${propertyOf(token as Token)}: ${colour};`)
    .join(' ')
}

export function propertyOf(token: Token): string {
  return `--${token.replace(/([A-Z]|\d)/g, '-$1').toLowerCase()}`
}
