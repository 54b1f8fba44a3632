package import Bulletins
package import DeliveryEngine
package import Feeds
package import HTTPPost
import NIOCore
package import Storage
import Synchronization
import Webhooks

/// The channel that pushes feeds to the hub's subscribers (WebSub, section 7).
///
/// A feed is rendered when it is sent, with the bytes and the type that a GET would receive at that moment.
package struct HubChannel: DeliveryChannel {
    package let channel = Channel.websub
    package let concurrency: Int
    /// The number of deliveries to claim ahead. Slow callbacks that wait for their turn must leave room for others
    /// among the claimed deliveries.
    package var claimsAhead: Int { concurrency * 8 }
    package var openConnections: Int { client.openConnections }
    /// A feed is pushed even if the bulletin that changed it has expired.
    package let endsWithBulletin = false
    private let store: any HubStore
    private let feeds: FeedResponder
    private let client: HTTPPostClient
    private let pushed = PushedDigests()
    private let shares: HubShareTable

    package init(
        store: any HubStore, feeds: FeedResponder, client: HTTPPostClient, concurrency: Int
    ) {
        self.store = store
        self.feeds = feeds
        self.client = client
        self.concurrency = concurrency
        shares = HubShareTable(senders: concurrency)
    }

    /// The callback's host with its scheme and port.
    package func host(of delivery: ClaimedDelivery) -> String? {
        (try? HTTPTarget(delivery.address)).map { "\($0.isTLS ? "https" : "http")://\($0.authority)" }
    }

    package func attempt(_ delivery: ClaimedDelivery, _ content: DeliveryContent, now: Timestamp) async
        -> AttemptOutcome
    {
        let owner = (try? HTTPTarget(delivery.address)).map { HostOwner.name(of: $0.host) } ?? ""
        guard let turn = shares.begin(delivery.number, of: owner) else {
            return AttemptOutcome(.postponed(by: .seconds(1)), detail: "its share of the senders is taken")
        }
        let (outcome, answered) = await attempt(delivery, of: owner, now)
        shares.end(turn, answered: answered)
        return outcome
    }

    /// Makes one attempt. Returns its outcome and the time that the callback took; nil if it was not called.
    private func attempt(
        _ delivery: ClaimedDelivery, of owner: String, _ now: Timestamp
    ) async -> (AttemptOutcome, answered: Duration?) {
        do throws(StoreError) {
            guard let push = try await store.push(delivery.number) else {
                return (AttemptOutcome(.failed, detail: "the subscription has ended"), nil)
            }
            let isUrgent = delivery.priority == 0
            guard let content = try await self.content(push.topic, isUrgent: isUrgent) else {
                return (try await deny(delivery.number, now), nil)
            }
            return await send(content, push, delivery, of: owner, now)
        } catch .cancelled {
            return (.stopped, nil)
        } catch {
            return (AttemptOutcome(.unavailable(pause: .seconds(1)), detail: "\(error)"), nil)
        }
    }

    private func content(_ topic: String, isUrgent: Bool) async throws(StoreError) -> HubContent? {
        guard let address = FeedAddress(ownPath: topic),
            let feed = try await feeds.present(address, isUrgent: isUrgent)
        else { return nil }
        return HubContent(feed)
    }

    private func deny(_ subscription: Int64, _ now: Timestamp) async throws(StoreError) -> AttemptOutcome {
        let reason = "the feed is not there any more"
        _ = try await store.deny(subscription, reason: reason, now: now)
        return AttemptOutcome(.endpointGone, detail: reason)
    }

    private func send(
        _ content: HubContent, _ push: HubPush, _ delivery: ClaimedDelivery, of owner: String, _ now: Timestamp
    ) async -> (AttemptOutcome, answered: Duration?) {
        // A change that came while the last push was under way may have been part of that push already.
        guard !pushed.holds(content.digest, of: delivery.number, before: delivery.attempt) else {
            pushed.note(content.digest, of: delivery.number, attempt: delivery.attempt)
            return (AttemptOutcome(.delivered, detail: "what was pushed last is still so"), nil)
        }
        if let pause = shares.spend(content.bytes.readableBytes, of: owner) {
            return (AttemptOutcome(.postponed(by: pause), detail: "its owner's budget of bytes is spent"), nil)
        }
        let began = ContinuousClock.now
        let outcome: AttemptOutcome
        do throws(HTTPPostError) {
            let request = try request(content, push, delivery.address)
            outcome = WebhookFailurePolicy.outcome(of: try await client.post(request), now: now.seconds)
        } catch {
            outcome = WebhookFailurePolicy.outcome(of: error)
        }
        if outcome.verdict == .delivered { pushed.note(content.digest, of: delivery.number, attempt: delivery.attempt) }
        return (outcome, began.duration(to: .now))
    }

    private func request(_ content: HubContent, _ push: HubPush, _ callback: String) throws(HTTPPostError)
        -> HTTPPostRequest
    {
        var headers = [
            ("content-type", content.type),
            ("link", content.links),
        ]
        if let secret = push.secret {
            let signature = HubSignature.header(secret: secret, body: content.bytes.readableBytesView)
            headers.append(("x-hub-signature", signature))
        }
        return HTTPPostRequest(target: try HTTPTarget(callback), headers: headers, body: content.bytes)
    }
}

/// `HubShares` behind a lock, for many senders.
private final class HubShareTable: Sendable {
    private let shares: Mutex<HubShares>

    init(senders: Int) { shares = Mutex(HubShares(senders: senders)) }

    func begin(_ callback: Int64, of owner: String) -> HubShares.Turn? {
        shares.withLock { $0.begin(callback, of: owner) }
    }

    func end(_ turn: HubShares.Turn, answered: Duration?) { shares.withLock { $0.end(turn, answered: answered) } }

    func spend(_ bytes: Int, of owner: String) -> Duration? {
        shares.withLock { $0.spend(bytes, of: owner, now: .now) }
    }
}
