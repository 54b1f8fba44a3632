/// What one host, and one endpoint at it, may take of a channel.
package struct HostLimits: Sendable {
    /// Attempts that a host may have under way.
    package var concurrency: Int
    /// Attempts that one endpoint may have under way.
    package var endpointConcurrency: Int
    /// Attempts a second at a host; 0 for no limit.
    package var rate: Int

    package init(concurrency: Int = 32, endpointConcurrency: Int = 4, rate: Int = 0) {
        self.concurrency = concurrency
        self.endpointConcurrency = endpointConcurrency
        self.rate = rate
    }
}

/// Where an attempt goes.
struct Place: Hashable, Sendable {
    let host: String
    let endpoint: Int64
}
