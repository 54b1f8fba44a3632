package import Bulletins
package import DeliveryEngine
package import HTTPPost
import NIOCore
package import Storage
import Webhooks

/// Pushes feeds to who subscribed at the hub (WebSub, section 7): each is rendered when it is sent, with the bytes and the
/// type that a GET would have then.
package struct HubChannel: DeliveryChannel {
    package let channel = Channel.websub
    package let concurrency: Int
    /// Enough that callbacks which are slow, and wait for their turn, leave room for others in what is claimed.
    package var claimsAhead: Int { concurrency * 16 }
    /// A feed is to be pushed also when what changed it has expired.
    package let endsWithBulletin = false
    private let store: any HubStore
    private let feeds: FeedResponder
    private let settings: PortalSettings
    private let client: HTTPPostClient
    private let pushed = PushedDigests()

    package init(
        store: any HubStore & FeedStore, registries: Registries, settings: PortalSettings, client: HTTPPostClient,
        concurrency: Int, clock: WallClock
    ) {
        self.store = store
        feeds = FeedResponder(store: store, registries: registries, settings: settings, clock: clock)
        self.settings = settings
        self.client = client
        self.concurrency = concurrency
    }

    /// With its scheme and port.
    package func host(of delivery: ClaimedDelivery) -> String? {
        (try? HTTPTarget(delivery.address)).map { "\($0.isTLS ? "https" : "http")://\($0.authority)" }
    }

    package func attempt(_ delivery: ClaimedDelivery, _ content: DeliveryContent, now: Timestamp) async
        -> AttemptOutcome
    {
        do throws(StoreError) {
            guard let push = try await store.push(delivery.number) else {
                return AttemptOutcome(.failed, detail: "the subscription has ended")
            }
            let isUrgent = delivery.priority == 0
            guard let content = try await self.content(push.topic, isUrgent: isUrgent) else {
                return try await deny(delivery.number, now)
            }
            return await send(content, push, delivery, now)
        } catch .cancelled {
            return .stopped
        } catch {
            return AttemptOutcome(.unavailable(pause: .seconds(1)), detail: "\(error)")
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

    private func send(_ content: HubContent, _ push: HubPush, _ delivery: ClaimedDelivery, _ now: Timestamp) async
        -> AttemptOutcome
    {
        // What changed while the last push was sent may have been part of it already.
        guard !pushed.holds(content.digest, of: delivery.number, before: delivery.attempt) else {
            pushed.note(content.digest, of: delivery.number, attempt: delivery.attempt)
            return AttemptOutcome(.delivered, detail: "what was pushed last is still so")
        }
        let outcome: AttemptOutcome
        do throws(HTTPPostError) {
            let request = try request(content, push, delivery.address)
            outcome = WebhookFailurePolicy.outcome(of: try await client.post(request), now: now.seconds)
        } catch {
            outcome = WebhookFailurePolicy.outcome(of: error)
        }
        if outcome.verdict == .delivered { pushed.note(content.digest, of: delivery.number, attempt: delivery.attempt) }
        return outcome
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
