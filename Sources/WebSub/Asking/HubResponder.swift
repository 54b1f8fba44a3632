package import Feeds
package import Runtime
package import Storage

/// Takes requests to the hub (WebSub, section 5). The store holds a request before the caller answers it.
package struct HubResponder: Sendable {
    private let store: any HubStore
    private let feeds: FeedResponder
    private let settings: HubSettings
    private let context: StageContext

    /// The longest form that the hub reads, in bytes.
    package static let longestForm = 16_384

    package init(store: any HubStore, feeds: FeedResponder, settings: HubSettings, context: StageContext) {
        (self.store, self.feeds) = (store, feeds)
        (self.settings, self.context) = (settings, context)
    }

    /// Takes a form that came from `network`.
    ///
    /// - Throws: A `HubFault` for the sender of a form that the hub rejects, or a `StoreError` if the store cannot take
    ///   it now.
    package func take(form bytes: some Collection<UInt8>, from network: String) async throws {
        let request = try HubRequest(form: try HubForm(bytes), publicURL: settings.publicURL)
        // A subscriber may leave a feed that is gone.
        if request.mode == .subscribe, !(try await exists(request.topic)) {
            throw HubFault(.unknownTopic, HubRequest.unknownTopic)
        }
        switch try await store.ask(request, from: network, limits: settings.limits, now: context.clock.now) {
        case .accepted: context.wakeups.signal(.hub)
        case .unknownTopic: throw HubFault(.unknownTopic, HubRequest.unknownTopic)
        case .tooMany:
            throw HubFault(
                .tooMany, "too many requests wait, or this network or this callback's owner has too many subscriptions")
        }
    }

    private func exists(_ topic: HubTopic) async throws(StoreError) -> Bool {
        guard let address = FeedAddress(ownPath: topic.path) else { return false }
        return try await feeds.feed(address) != nil
    }
}
