type Asked = { cpus?: number | undefined; memory?: number | undefined; disk?: number | undefined }
type Present = { readonly cpus?: number; readonly memory?: number; readonly disk?: number }

/** Only the resources that are asked for, so that a spread of them overrides nothing with undefined. */
export const presentSizes = ({ cpus, memory, disk }: Asked = {}): Present => ({
  ...(cpus === undefined ? {} : { cpus }),
  ...(memory === undefined ? {} : { memory }),
  ...(disk === undefined ? {} : { disk }),
})
