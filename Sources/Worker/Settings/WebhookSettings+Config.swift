package import Bulletins
package import DeliveryEngine
import Foundation
package import HTTPPost
package import Logging
package import NIOCore
package import Storage
import Webhooks

extension SettingKey {
    static let webhooksAllow = SettingKey(
        "webhooks.allow", .list(form: "networks"),
        "Private networks that webhooks may reach, over http and any port as well, such as 10.0.0.0/8.")
    static let webhooksAuthorities = SettingKey(
        "webhooks.authorities", .text(form: "a PEM file"),
        "The authorities that sign the certificates of webhooks, instead of the system's; for intranets.")
    static let webhooksConcurrency = SettingKey(
        "webhooks.concurrency", .integer(64, 1...4096, unit: "attempts"),
        "The number of attempts that run simultaneously, over all hosts.")
    static let webhooksPerHost = SettingKey(
        "webhooks.perHost", .integer(32, 1...4096, unit: "attempts"),
        "The number of attempts that run simultaneously at one host.")
    static let webhooksPerEndpoint = SettingKey(
        "webhooks.perEndpoint", .integer(4, 1...4096, unit: "attempts"),
        "The number of attempts that run simultaneously at one endpoint.")
    static let webhooksRatePerHost = SettingKey(
        "webhooks.ratePerHost", .integer(0, 0...100_000, unit: "attempts per second"),
        "The highest rate of attempts at one host; 0 for no limit.")
    static let webhooksRetry = SettingKey(
        "webhooks.retry", .list(RetrySchedule.usual, form: "at most 100 pauses of 0 to 604,800 seconds"),
        "The pauses between attempts, as in smtp.retry. The hub's pushes use them, too.")

    static let webhooks = [
        webhooksAllow, webhooksAuthorities, webhooksConcurrency, webhooksPerHost, webhooksPerEndpoint,
        webhooksRatePerHost, webhooksRetry,
    ]
}

extension Settings {
    /// The settings of the webhook channel, which the hub's pushes share.
    package struct Webhooks: Sendable {
        /// The private networks that webhooks may reach.
        package var allowedNetworks: [AddressNetwork]
        /// A PEM file of the authorities that sign certificates; nil for those of the system.
        package var authorities: String?
        package var concurrency: Int
        package var hosts: HostLimits
        package var retry: RetrySchedule

        init(_ reader: SettingsReader) {
            allowedNetworks = reader.networks(.webhooksAllow)
            authorities = reader.value(nil) { () throws(ConfigurationError) in
                guard let file = reader.string(.webhooksAuthorities) else { return nil }
                guard FileManager.default.isReadableFile(atPath: file) else {
                    throw .badValue(key: "webhooks.authorities", reason: "\(file) cannot be read")
                }
                return file
            }
            concurrency = reader.integer(.webhooksConcurrency)
            hosts = HostLimits(
                concurrency: reader.integer(.webhooksPerHost),
                endpointConcurrency: reader.integer(.webhooksPerEndpoint), rate: reader.integer(.webhooksRatePerHost))
            retry = reader.schedule(.webhooksRetry)
        }

        /// Makes a client that posts to webhooks. The caller shuts it down.
        func client(on loops: any EventLoopGroup, logger: Logger) throws(HTTPPostError) -> HTTPPostClient {
            var post = HTTPPostSettings()
            post.allowedNetworks = allowedNetworks
            post.connectionsPerHost = concurrency
            post.trustedCAFile = authorities
            return try HTTPPostClient(settings: post, eventLoopGroup: loops, logger: logger)
        }

        /// Challenges a webhook. Returns the fault of its answer; nil if the answer was right.
        package func challenge(
            _ webhook: WebhookEndpoint, of store: any Store, on loops: any EventLoopGroup, logger: Logger,
            now: Timestamp
        ) async throws -> String? {
            let storeID = try await store.identity()
            let client = try client(on: loops, logger: logger)
            let problem = await EndpointChallenge(client: client, keys: store, storeID: storeID).problem(
                of: webhook, now: now)
            await client.shutdown()
            return problem
        }
    }
}
