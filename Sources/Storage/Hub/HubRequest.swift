/// A feed that can be pushed.
package struct HubTopic: Sendable, Hashable {
    /// Of its own address, below the portal's.
    package let path: String
    package let source: FeedSource

    package init(path: String, source: FeedSource) { (self.path, self.source) = (path, source) }
}

/// A request of a subscriber to the hub (WebSub, section 5.1), as far as it can be judged without the store.
package struct HubRequest: Sendable, Equatable {
    package enum Mode: String, Sendable { case subscribe, unsubscribe }

    package var mode: Mode
    package var callback: String
    /// The callback's, in lower case.
    package var host: String
    /// Whose the host is, as far as its name tells.
    package var owner: String
    package var topic: HubTopic
    package var leaseSeconds: Int64
    /// The secret that signs pushes, of at most 199 bytes.
    package var secret: String?

    package init(
        mode: Mode, callback: String, host: String, owner: String? = nil, topic: HubTopic, leaseSeconds: Int64,
        secret: String?
    ) {
        self.mode = mode
        self.callback = callback
        self.host = host
        self.owner = owner ?? host
        self.topic = topic
        self.leaseSeconds = leaseSeconds
        self.secret = secret
    }
}

/// How much the hub takes on, so that nobody makes it ask or push without end.
package struct HubLimits: Sendable {
    /// Verifications that wait: of one callback's host, of requests from one network, and in all.
    package var pendingOfHost = 100
    package var pendingOfNetwork = 200
    package var pending = 10_000
    package var subscriptionsOfHost = 10_000
    /// Of all hosts of one owner.
    package var pendingOfOwner = 100
    package var subscriptionsOfOwner = 10_000
    /// Asked for from one network, whatever their hosts.
    package var subscriptionsOfNetwork = 10_000

    package init() {}
}

/// The result of a request.
package enum HubAdmission: Sendable, Equatable {
    /// It lasts, and the callback will be asked.
    case accepted
    /// There is no such private feed.
    case unknownTopic
    /// One of `HubLimits` is reached.
    case tooMany
}
