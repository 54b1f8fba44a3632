/// What connections are shared by: scheme, host and port (RFC 6454 section 4).
package struct Origin: Sendable, Hashable {
    package var isTLS: Bool
    package var host: String
    package var port: Int

    package init(isTLS: Bool, host: String, port: Int) {
        self.isTLS = isTLS
        self.host = host
        self.port = port
    }
}
