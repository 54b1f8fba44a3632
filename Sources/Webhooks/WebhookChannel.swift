package import Bulletins
package import DeliveryEngine
package import HTTPPost
import NIOCore
import Runtime
package import Storage

/// Delivers bulletins to webhooks by Standard Webhooks 1.0.0.
package struct WebhookChannel: DeliveryChannel {
    package let channel = Channel.webhook
    package let concurrency: Int
    /// Large claims, so that the fixed cost of a claim is small per delivery.
    package var claimsAhead: Int { concurrency * 8 }
    package var executors: [any TaskExecutor] { client.executors }
    package var openConnections: Int { client.openConnections }
    private let client: HTTPPostClient
    private let keys: any WebhookKeyStore
    private let storeID: String
    private let publicURL: String
    private let renderers = RenderPool()
    private let payloads = RenderCache<Int64, WebhookPayload> { $0.size }
    private let endpoints = RenderCache<WebhookSigning, PreparedEndpoint>(limit: 20_000)

    /// The part that all deliveries to an endpoint share. A class, so that the cache returns it without a copy.
    private final class PreparedEndpoint: Sendable {
        let template: Result<HTTPPostTemplate, HTTPPostError>
        /// Scheme, host and port. Nil if the URL is invalid.
        let host: String?
        let signer: WebhookSigner

        init(address: String, signer: WebhookSigner, client: HTTPPostClient) {
            template = Result { () throws(HTTPPostError) in try WebhookMessage.template(address, client) }
            let target = try? template.get().target
            host = target.map { "\($0.isTLS ? "https" : "http")://\($0.host):\($0.port)" }
            self.signer = signer
        }
    }

    /// `storeID` makes message ids unique across stores. `publicURL` is the prefix of all links.
    package init(
        client: HTTPPostClient, keys: any WebhookKeyStore, storeID: String, publicURL: String, concurrency: Int
    ) {
        self.client = client
        self.keys = keys
        self.storeID = storeID
        self.publicURL = publicURL
        self.concurrency = concurrency
    }

    package func host(of delivery: ClaimedDelivery) -> String? { endpoint(of: delivery).host }

    package func prepare(_ entries: [DigestEntry], isDigest: Bool) async {
        if let entry = entries.first { _ = await payload(entry.delivery, entry.content) }
    }

    package func attempt(_ delivery: ClaimedDelivery, _ content: DeliveryContent, now: Timestamp) async
        -> AttemptOutcome
    {
        do throws(HTTPPostError) {
            let endpoint = endpoint(of: delivery)
            guard let message = await message(delivery, content) else { return .stopped }
            let response = try await message.post(
                try endpoint.template.get(), signer: endpoint.signer, by: client, now: now)
            return WebhookFailurePolicy.outcome(of: response, now: now.seconds)
        } catch {
            return WebhookFailurePolicy.outcome(of: error)
        }
    }

    /// The message of a delivery, with the same id on every attempt. Nil if the worker stops.
    private func message(_ delivery: ClaimedDelivery, _ content: DeliveryContent) async -> WebhookMessage? {
        guard let payload = await payload(delivery, content) else { return nil }
        return WebhookMessage(
            id: "d\(delivery.number)-\(storeID)", body: payload.body(for: delivery), traceparent: content.traceparent)
    }

    /// The body of a bulletin, rendered once for all of its deliveries.
    private func payload(_ delivery: ClaimedDelivery, _ content: DeliveryContent) async -> WebhookPayload? {
        await payloads.value(delivery.bulletin, on: renderers, isUrgent: delivery.priority == 0) {
            WebhookPayload(content, publicURL: publicURL)
        }
    }

    /// The prepared endpoint from the cache. A change of its keys makes a new entry.
    private func endpoint(of delivery: ClaimedDelivery) -> PreparedEndpoint {
        // Every claimed webhook delivery carries its signing settings. This default is a safeguard.
        let signing = delivery.terms.signing ?? WebhookSigning(endpoint: delivery.endpoint, version: 1)
        return endpoints.value(signing) {
            PreparedEndpoint(
                address: delivery.address, signer: WebhookSigner(signing, keys: keys), client: client)
        }
    }
}
