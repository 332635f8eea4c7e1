import { join } from 'node:path'

/*
 * Every name of the gateway's on disk:
 *
 *   <data>/gateway/host-key       its own private host key, OpenSSH PEM, mode 0600; made at the first start
 *   <data>/gateway/audit.jsonl    who entered which machine, when and from where; one entry a line
 */

export const gatewayFolder = (dataFolder: string) => join(dataFolder, 'gateway')
export const auditFile = (dataFolder: string) => join(gatewayFolder(dataFolder), 'audit.jsonl')
export const hostKeyFile = (dataFolder: string) => join(gatewayFolder(dataFolder), 'host-key')
