/// The limits of one host, and of one endpoint at it, within a channel.
package struct HostLimits: Sendable {
    /// The maximum number of attempts that a host may have under way.
    package var concurrency: Int
    /// The maximum number of attempts that one endpoint may have under way.
    package var endpointConcurrency: Int
    /// The maximum number of attempts per second at a host; 0 for no limit.
    package var rate: Int

    package init(concurrency: Int = 32, endpointConcurrency: Int = 4, rate: Int = 0) {
        self.concurrency = concurrency
        self.endpointConcurrency = endpointConcurrency
        self.rate = rate
    }
}

/// The destination of an attempt: a host, and an endpoint at it.
struct Place: Hashable, Sendable {
    let host: String
    let endpoint: Int64
}
