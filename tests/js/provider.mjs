// A real OpenID provider for the tests, with a few people, any password, and forms of its own to sign in. It prints its
// address. POST /test tells it to do what real ones do seldom: {"rotate": true} gives it new keys, {"lie": {…}} changes
// claims in the ID tokens that it signs, {"elsewhere": {…}} in what it says at its UserInfo endpoint, and {"broken": 503}
// answers everything else with that status.
import { generateKeyPairSync } from "node:crypto"
import { createServer } from "node:http"
import { SignJWT, decodeJwt, decodeProtectedHeader, importJWK } from "jose"
import Provider from "oidc-provider"

const PEOPLE = {
  ana: { name: "Ana López", email: "ana@school.edu", email_verified: true, groups: ["staff", "teachers"] },
  luis: { name: "Luis", email: "Luis@School.edu", email_verified: true, groups: ["class-3"] },
  eva: { name: "Eva", email: "eva@elsewhere.example", email_verified: true },
  mallory: { name: "Mallory", email: "mallory@school.edu", email_verified: false },
}
const BACK = ["http://127.0.0.1/session/oidc/back"] // of a native client: at any port (RFC 8252 section 7.3)
const CLIENT = { application_type: "native", redirect_uris: BACK, response_types: ["code"] }

let keys, callback, lie, elsewhere, broken

function newKey(alg, type, options) {
  const jwk = generateKeyPairSync(type, options).privateKey.export({ format: "jwk" })
  return { ...jwk, alg, use: "sig", kid: `${alg}-${Date.now()}` }
}

function start(issuer) {
  keys = [
    newKey("RS256", "rsa", { modulusLength: 2048 }),
    newKey("ES256", "ec", { namedCurve: "P-256" }),
    newKey("EdDSA", "ed25519"),
  ]
  const provider = new Provider(issuer, {
    jwks: { keys },
    cookies: { keys: ["of the tests"] },
    clients: [
      { ...CLIENT, client_id: "public", token_endpoint_auth_method: "none" },
      { ...CLIENT, client_id: "es", token_endpoint_auth_method: "none", id_token_signed_response_alg: "ES256" },
      { ...CLIENT, client_id: "ed", token_endpoint_auth_method: "none", id_token_signed_response_alg: "EdDSA" },
      { ...CLIENT, client_id: "secretive", client_secret: "a secret, which has: signs" },
      { client_id: "program", client_secret: "its own", grant_types: ["client_credentials"], redirect_uris: [], response_types: [] },
    ],
    enabledJWA: { idTokenSigningAlgValues: ["RS256", "ES256", "EdDSA"] },
    claims: { openid: ["sub"], profile: ["name"], email: ["email", "email_verified"], groups: ["groups"] },
    findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, ...PEOPLE[sub] }) }),
    features: {
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => [],
        getResourceServerInfo: (_, audience) => ({ scope: "", audience, accessTokenFormat: "jwt", accessTokenTTL: 600 }),
      },
    },
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
  })
  provider.use(async (ctx, next) => {
    await next()
    if (elsewhere && ctx.path === "/me") ctx.body = { ...ctx.body, ...elsewhere }
    if (lie && ctx.body?.id_token) {
      const header = decodeProtectedHeader(ctx.body.id_token)
      const key = await importJWK(keys.find((one) => one.kid === header.kid), header.alg)
      const claims = { ...decodeJwt(ctx.body.id_token), ...lie }
      ctx.body = { ...ctx.body, id_token: await new SignJWT(claims).setProtectedHeader(header).sign(key) }
    }
  })
  callback = provider.callback()
}

async function told(request) {
  const parts = []
  for await (const part of request) parts.push(part)
  return JSON.parse(Buffer.concat(parts))
}

const server = createServer(async (request, response) => {
  if (request.url === "/test") {
    const what = await told(request)
    ;({ lie, elsewhere, broken } = what)
    if (what.rotate) start(`http://127.0.0.1:${server.address().port}`)
    response.end()
  } else if (broken) {
    response.writeHead(broken).end("broken")
  } else {
    callback(request, response)
  }
})
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`
  start(issuer)
  console.log(issuer)
})
process.stdin.on("end", () => process.exit()).resume()
