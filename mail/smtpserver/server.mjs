// A mail server by npm's smtp-server for tests: node server.mjs '{"tls": …}'.
// It writes {"port": …, "ca": …} in a line, then a line for each mail that it took,
// and ends when its input does.
import { readFileSync } from 'node:fs'
import net from 'node:net'
import { SMTPServer } from 'smtp-server'

const o = JSON.parse(process.argv[2])
const say = (x) => process.stdout.write(JSON.stringify(x) + '\n')
const error = (code, text) => Object.assign(new Error(text), { responseCode: code })
const answers = { ...o.answers } // by address: [code, text]; a third element is how many times

function answer(address) {
  const a = answers[address]
  if (!a || a[2] === 0) return null
  if (a[2] > 0) a[2]--
  return error(a[0], a[1])
}

const server = new SMTPServer({
  secure: o.tls === 'implicit',
  key: readFileSync(o.key), cert: readFileSync(o.cert),
  hideSTARTTLS: !!o.hideSTARTTLS,
  authOptional: !o.authRequired,
  authMethods: o.auth ?? [],
  disabledCommands: o.disabled ?? (o.auth ? [] : ['AUTH']),
  hideSMTPUTF8: !!o.hideSMTPUTF8,
  allowInsecureAuth: !!o.allowInsecureAuth,
  closeTimeout: 100,
  logger: false,
  onAuth(auth, session, done) {
    const right = auth.method === 'CRAM-MD5' ? auth.validatePassword(o.password) : auth.password === o.password
    if (auth.username !== o.username || !right) return done(error(535, '5.7.8 Authentication credentials invalid'))
    done(null, { user: auth.username })
  },
  onMailFrom(address, session, done) { done(answer(address.address)) },
  onRcptTo(address, session, done) {
    if (o.stall === address.address) return
    done(answer(address.address))
  },
  onData(stream, session, done) {
    let mail = ''
    stream.setEncoding('utf8')
    stream.on('data', (chunk) => (mail += chunk))
    stream.on('end', () => {
      if (o.stall === 'data') return
      const refused = answer('data')
      if (refused) return done(refused)
      say({ from: session.envelope.mailFrom, to: session.envelope.rcptTo, secure: session.secure, user: session.user || '', mail })
      done(null, 'taken')
    })
  },
})
server.on('error', () => {}) // of clients that break off

if (o.nonsense) {
  net.createServer((c) => { c.on('error', () => {}); c.write(o.nonsense); c.end() }).listen(0, '127.0.0.1', function () { say({ port: this.address().port }) })
} else {
  server.listen(0, '127.0.0.1', () => say({ port: server.server.address().port }))
}
process.stdin.resume().on('end', () => process.exit(0))
