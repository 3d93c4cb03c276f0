// SPDX-License-Identifier: LGPL-2.1-or-later
// oidc-provider.mjs: a certified authorization server on loopback, with a client for each way of client_auth.
// node oidc-provider.mjs [CERTIFICATE KEY CA JWK]: https with the first three; JWK is the public key of client jwt.
// Prints its issuer when it is ready.
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import Provider from 'oidc-provider';

const [certificate, key, ca, jwk] = process.argv.slice(2);
const https_ = certificate !== '-';
const grants = ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'];

function client(client_id, method, more = {}) {
	return { client_id, token_endpoint_auth_method: method, application_type: 'native', grant_types: grants,
		response_types: ['code'], redirect_uris: ['http://127.0.0.1/callback', 'http://[::1]/callback'], ...more };
}

// A secret that form-encoding changes, and long enough for HS256.
const client_secret = 'a secret: with+signs/and=more%than&letters';

const configuration = {
	clients: [
		client('public', 'none'),
		client('basic', 'client_secret_basic', { client_secret }),
		client('post', 'client_secret_post', { client_secret }),
		client('secret_jwt', 'client_secret_jwt', { client_secret }),
		client('jwt', 'private_key_jwt', { jwks: { keys: [JSON.parse(fs.readFileSync(jwk))] } }),
		client('machine', 'client_secret_basic', { client_secret, grant_types: ['client_credentials'],
			response_types: [], redirect_uris: [] }),
		...https_ ? [client('tls', 'tls_client_auth', { tls_client_auth_subject_dn: 'CN=tls' })] : [],
	],
	clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt',
		'tls_client_auth'],
	scopes: ['openid', 'offline_access', 'api'],
	features: {
		clientCredentials: { enabled: true },
		deviceFlow: { enabled: true },
		revocation: { enabled: true },
		mTLS: {
			enabled: true,
			tlsClientAuth: true,
			getCertificate: (ctx) => {
				const peer = ctx.socket.getPeerCertificate?.();
				return peer?.raw ? `-----BEGIN CERTIFICATE-----\n${peer.raw.toString('base64')}\n-----END CERTIFICATE-----` :
					undefined;
			},
			certificateAuthorized: (ctx) => ctx.socket.authorized,
			certificateSubjectMatches: (ctx, property, expected) =>
				`CN=${ctx.socket.getPeerCertificate().subject.CN}` === expected,
		},
	},
	issueRefreshToken: async (ctx, c, code) => c.grantTypeAllowed('refresh_token') && code.scopes.has('offline_access'),
	rotateRefreshToken: true,
	pkce: { required: () => true },
	ttl: { DeviceCode: Number(process.env.DEVICE_LIFE ?? 300) },
};

const server = https_ ?
	https.createServer({ cert: fs.readFileSync(certificate), key: fs.readFileSync(key), ca: fs.readFileSync(ca),
		requestCert: true, rejectUnauthorized: false }) :
	http.createServer();
server.listen(0, '127.0.0.1', () => {
	const issuer = `${https_ ? 'https' : 'http'}://127.0.0.1:${server.address().port}`;
	const provider = new Provider(issuer, configuration);
	const handle = provider.callback();
	server.on('request', (request, response) => {
		if (process.env.TOKEEP_TEST_LOG)
			fs.appendFileSync(process.env.TOKEEP_TEST_LOG, `${request.method} ${request.url.split('?')[0]}\n`);
		handle(request, response);
	});
	for (const event of ['grant.error', 'revocation.error', 'device_authorization.error', 'authorization.error'])
		provider.on(event, (ctx, error) => console.error(event, error.message, error.error_detail ?? ''));
	provider.on('server_error', (ctx, error) => console.error(error));
	console.log(issuer);
});
