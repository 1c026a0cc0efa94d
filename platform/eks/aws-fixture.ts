const ACCOUNT = '111122223333'
const REGION = 'eu-central-1'

/** What AWS answers to the program's questions. The zones are not in order: AWS does not promise any. */
const ANSWERS: Readonly<Record<string, Readonly<Record<string, string | string[]>>>> = {
  'aws:index/getAvailabilityZones:getAvailabilityZones': {
    names: ['eu-central-1b', 'eu-central-1a', 'eu-central-1c'],
  },
  'aws:index/getRegion:getRegion': { region: REGION },
}

/** @throws Error when the program asks what nobody answers here */
export function answerTo(token: string) {
  const answer = ANSWERS[token]
  if (answer !== undefined) return answer
  throw new Error(`the program asks ${token}, which nobody answers here`)
}

/** Outputs that AWS makes and the program reads. */
export function madeUp(type: string, name: string, inputs: Readonly<Record<string, unknown>>) {
  const arn = `arn:aws:${type.split(':')[1]?.split('/')[0]}:${REGION}:${ACCOUNT}:${name}`
  switch (type) {
    case 'aws:ec2/launchTemplate:LaunchTemplate':
      return { arn, latestVersion: 7 }
    case 'aws:ecr/repository:Repository':
      return { arn, repositoryUrl: `${ACCOUNT}.dkr.ecr.${REGION}.amazonaws.com/${inputs.name}` }
    case 'eks:index:Cluster':
      return {
        kubeconfigJson: '{"kind":"Config"}',
        eksCluster: {
          name: String(inputs.name),
          arn: `arn:aws:eks:${REGION}:${ACCOUNT}:cluster/${inputs.name}`,
          endpoint: 'https://ABC.gr7.eu-central-1.eks.amazonaws.com',
          certificateAuthority: { data: 'UEVN' },
        },
      }
    default:
      return { arn }
  }
}
