package import HTTPPost

/// Where the portal listens, and under which address the world reaches it.
package struct PortalSettings: Sendable {
    package var host: String
    package var port: Int

    /// Whose `X-Forwarded-For` is believed.
    package var trustedProxies: [AddressNetwork] = []
    /// Health and metrics are here too, and not only where `OpsService` listens.
    package var servesOps = true
    package var limits = ConnectionLimits()

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }
}
