package import Bulletins
import HTTPPost
package import Logging
package import NIOCore
package import Storage
import Webhooks

extension Settings {
    /// What posts to webhooks.
    func webhookClient(_ group: any EventLoopGroup, _ logger: Logger) throws(HTTPPostError) -> HTTPPostClient {
        var post = HTTPPostSettings()
        post.allowedNetworks = webhookNetworks
        post.connectionsPerHost = webhookConcurrency
        post.trustedCAFile = webhookAuthorities
        return try HTTPPostClient(settings: post, eventLoopGroup: group, logger: logger)
    }

    /// Challenges a webhook; what was wrong with its answer, nil if it was right.
    package func challenge(
        _ webhook: WebhookEndpoint, of store: any Store, on group: any EventLoopGroup, logger: Logger, now: Timestamp
    ) async throws -> String? {
        let storeID = try await store.identity()
        let client = try webhookClient(group, logger)
        let problem = await EndpointChallenge(client: client, keys: store, storeID: storeID).problem(
            of: webhook, now: now)
        await client.shutdown()
        return problem
    }
}
