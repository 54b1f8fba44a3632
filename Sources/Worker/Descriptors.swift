#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The limit of files and connections that the process may have open simultaneously.
enum Descriptors {
    /// Raises the limit as far as the process may, and returns it.
    static func raiseLimit() -> Int {
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return usual }
        if limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = limit.rlim_max
            _ = setrlimit(resource, &limit)
            _ = getrlimit(resource, &limit)
        }
        return Int(clamping: limit.rlim_cur)
    }

    /// Returns the number of connections that HTTP may have.
    ///
    /// The worker keeps `own` descriptors for the broker, the store, relays and webhooks, but at most half of a small
    /// limit.
    static func shareOfHTTP(limit: Int, own: Int, wanted: Int) -> Int {
        max(1, min(wanted, limit - min(own, limit / 2)))
    }

    /// The assumed limit where the system reports none.
    private static let usual = 1024

    #if canImport(Glibc)
        private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
        private static let resource = RLIMIT_NOFILE
    #endif
}
