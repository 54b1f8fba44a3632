package import Bulletins
package import HTTPPost
import NIOCore
package import Storage

/// Verifies that a webhook wants to receive bulletins. It posts a signed message of type `endpoint.verification` with
/// a random challenge. The endpoint must answer 2xx and echo the challenge within the first 16 KiB of its response.
package struct EndpointChallenge: Sendable {
    private let client: HTTPPostClient
    private let keys: any WebhookKeyStore
    private let storeID: String

    package init(client: HTTPPostClient, keys: any WebhookKeyStore, storeID: String) {
        (self.client, self.keys, self.storeID) = (client, keys, storeID)
    }

    /// The reason why verification failed. Nil if it succeeded.
    package func problem(of webhook: WebhookEndpoint, now: Timestamp) async -> String? {
        let challenge = Token.text((0..<32).map { _ in .random(in: 0...255) })
        do throws(HTTPPostError) {
            let message = WebhookMessage(
                id: "v\(webhook.signing.endpoint)-\(challenge.prefix(12))-\(storeID)", body: body(challenge, now))
            let signer = WebhookSigner(webhook.signing, keys: keys)
            let template = try WebhookMessage.template(webhook.address, client)
            return Self.problem(
                of: try await message.post(template, signer: signer, by: client, now: now), challenge)
        } catch {
            return "\(error)"
        }
    }

    private func body(_ challenge: String, _ now: Timestamp) -> ByteBuffer {
        ByteBuffer(
            bytes: JSONWriter.bytes([
                "type": "endpoint.verification", "timestamp": .string(now.text),
                "data": ["challenge": .string(challenge)],
            ]))
    }

    /// Checks the status and the echoed challenge.
    private static func problem(of response: HTTPPostResponse, _ challenge: String) -> String? {
        guard (200..<300).contains(response.status) else { return "it answered \(response.status), not 2xx" }
        let isEchoed = String(buffer: response.body).contains(challenge)
        return isEchoed ? nil : "its answer does not contain the challenge"
    }
}
