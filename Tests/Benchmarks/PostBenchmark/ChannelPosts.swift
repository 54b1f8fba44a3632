import Bulletins
import DeliveryEngine
import HTTPPost
import Logging
import NIOPosix
import Runtime
import Storage
import Webhooks

/// Posts through the worker's channel without the engine around it: 100 bulletins to 1,000 endpoints.
enum ChannelPosts {
    private struct Keys: WebhookKeyStore {
        func webhookKey(endpoint: Int64, version: Int64) -> [UInt8] { [UInt8](repeating: 7, count: 32) }
        func webhookSecret(endpoint: Int64, version: Int64) -> String { "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }
        func webhookSeed(endpoint: Int64, version: Int64) -> [UInt8] { [UInt8](repeating: 7, count: 32) }
    }

    static func run(_ port: Int, _ count: Int, _ connections: Int) async throws {
        var settings = HTTPPostSettings()
        settings.allowedNetworks = [try AddressNetwork("127.0.0.0/8")]
        settings.connectionsPerHost = connections
        let client = try HTTPPostClient(
            settings: settings, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "benchmark"))
        let channel = WebhookChannel(
            client: client, keys: Keys(), storeID: "0a1b2c3d", publicURL: "https://kabar.example",
            concurrency: connections)
        let contents = try (0..<100).map { try content(Int64($0)) }
        let budget = Budget(count)
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<connections {
                group.addTask(executorPreference: channel.executors[number % channel.executors.count]) {
                    while let number = budget.next() { await post(number, channel, contents, port) }
                }
            }
        }
        await client.shutdown()
    }

    private static func post(_ number: Int, _ channel: WebhookChannel, _ contents: [DeliveryContent], _ port: Int) async
    {
        let endpoint = Int64(number % 1000)
        let content = contents[number / 1000 % 100]
        var terms = EndpointTerms(subscription: endpoint)
        terms.signing = WebhookSigning(endpoint: endpoint, version: 1)
        let delivery = ClaimedDelivery(
            number: Int64(number), bulletin: content.stored.number, endpoint: endpoint, channel: .webhook,
            address: "http://127.0.0.1:\(port)/\(endpoint)", terms: terms)
        let outcome = await channel.attempt(delivery, content, now: WallClock.system.now)
        if outcome.verdict != .delivered { fatalError("\(outcome)") }
    }

    private static func content(_ number: Int64) throws -> DeliveryContent {
        let text = String(repeating: "warga diminta menjauh dari bantaran sungai ", count: 43)
        let payload = Array(
            #"{"id":"b\#(number)","kind":"announcement","publisher":"uji","title":"Uji","regions":["73.71.09"],"fields":["kesehatan"],"body":"\#(text)"}"#
                .utf8)
        let now = WallClock.system.now
        let stored = StoredBulletin(
            number: number, id: BulletinID(publisher: "uji", id: "b\(number)"), revision: 1, kind: .announcement,
            state: .published, receivedAt: now, firstReceivedAt: now, payload: payload)
        return DeliveryContent(
            stored: stored, bulletin: try stored.bulletin(), isCorrection: false, traceparent: nil)
    }
}
