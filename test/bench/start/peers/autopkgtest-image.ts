import { join } from 'node:path'
import { debianLocalBuilder } from '../../../../images/build-debian-local.ts'
import type { ShelfImage } from '../../../../images/image.ts'
import { packageRoot } from '../../../../images/package-root.ts'
import { openShelf } from '../../../../images/shelf.ts'
import type { StartPlace } from '../contender.ts'
import { writeAutopkgtestRecipe } from './autopkgtest-recipe.ts'

/**
 * debian-12-local with what autopkgtest needs of it, on a shelf of its own in the data folder, because making it takes
 * as long as making ours. Throws InfraError('image') where it cannot be made.
 */
export async function autopkgtestImage({ bench, peers }: StartPlace): Promise<ShelfImage> {
  const recipe = join(peers, 'recipe')
  await writeAutopkgtestRecipe(join(packageRoot(), 'images', 'debian-12-local'), recipe)
  const builders = { 'debian-12-local': debianLocalBuilder(recipe) }
  const shelf = openShelf({ dataFolder: join(bench.dataFolder, 'bench-autopkgtest'), builders })
  return await shelf.ensure('debian-12-local', { signal: new AbortController().signal })
}
