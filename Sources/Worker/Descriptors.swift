#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The files and connections that the system lets the process have open together.
enum Descriptors {
    /// Raises the limit as far as the process may; the limit.
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

    /// How many connections HTTP may have of a limit, when the worker needs some for its own work: the broker, the store,
    /// relays and webhooks. A limit that is small is halved.
    static func shareOfHTTP(limit: Int, own: Int, wanted: Int) -> Int {
        max(1, min(wanted, limit - min(own, limit / 2)))
    }

    /// When the system does not tell.
    private static let usual = 1024

    #if canImport(Glibc)
        private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
        private static let resource = RLIMIT_NOFILE
    #endif
}
