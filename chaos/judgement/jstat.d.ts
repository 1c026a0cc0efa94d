/** The few distribution functions of jstat that the judge uses; the package brings no types of its own. */
declare module 'jstat' {
  const jStat: {
    /** Natural logarithm of the beta function. */
    readonly betaln: (a: number, b: number) => number
    readonly beta: {
      readonly inv: (probability: number, a: number, b: number) => number
    }
    readonly normal: {
      readonly inv: (probability: number, mean: number, standardDeviation: number) => number
      readonly cdf: (value: number, mean: number, standardDeviation: number) => number
    }
    readonly studentt: {
      readonly inv: (probability: number, degreesOfFreedom: number) => number
    }
  }
  export default jStat
}
