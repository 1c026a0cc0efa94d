import * as aws from '@pulumi/aws'
import * as pulumi from '@pulumi/pulumi'
import { IMAGES, type ImageName } from '../topology.ts'
import type { Settings } from './settings.ts'
import { tags } from './tags.ts'

/** Images that a repository keeps: each change of what goes into an image is a new one. */
const IMAGES_KEPT = 20

const OLD_IMAGES = {
  rules: [
    {
      rulePriority: 1,
      description: `Only the newest ${IMAGES_KEPT} images are kept`,
      selection: { tagStatus: 'any', countType: 'imageCountMoreThan', countNumber: IMAGES_KEPT },
      action: { type: 'expire' },
    },
  ],
}

/**
 * A repository for each image of the lab. Tags are made from what goes into an image, so none ever means another one.
 *
 * @returns `HOST/PATH`, what `divergence up --registry` takes
 */
export function makeRegistry(settings: Settings): pulumi.Output<string> {
  const urls = IMAGES.map(image => repository(settings, image).repositoryUrl)
  return pulumi.all(urls).apply(all => registryPrefix(all[0] ?? ''))
}

/** `HOST/PATH` of `HOST/PATH/IMAGE`. */
export function registryPrefix(url: string): string {
  return url.replace(/\/[^/]*$/, '')
}

function repository(settings: Settings, image: ImageName): aws.ecr.Repository {
  const made = new aws.ecr.Repository(image, {
    name: `${settings.name}/${image}`,
    imageTagMutability: 'IMMUTABLE',
    imageScanningConfiguration: { scanOnPush: true },
    encryptionConfigurations: [{ encryptionType: 'AES256' }],
    forceDelete: settings.forceDelete,
    tags: tags(settings, image),
  })
  new aws.ecr.LifecyclePolicy(image, { repository: made.name, policy: JSON.stringify(OLD_IMAGES) })
  return made
}
