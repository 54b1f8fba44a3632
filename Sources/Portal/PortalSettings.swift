package import HTTPPost

/// The settings of the portal's server.
package struct PortalSettings: Sendable {
    package var host: String
    package var port: Int

    /// The proxies whose `X-Forwarded-For` is believed.
    package var trustedProxies: [AddressNetwork] = []
    /// Whether health and metrics are served here too, and not only where `OpsService` listens.
    package var servesOps = true
    package var limits = ConnectionLimits()

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }
}
