package import HTTPPost
package import Storage

/// Where the portal listens, and under which address the world reaches it.
package struct PortalSettings: Sendable {
    package var host: String
    package var port: Int
    /// Without a slash at its end.
    package var publicURL: String
    /// How many bytes rendered feeds may take.
    package var feedCacheSize = 64 << 20

    /// Whose `X-Forwarded-For` is believed.
    package var trustedProxies: [AddressNetwork] = []
    /// Health and metrics are here too, and not only where `OpsService` listens.
    package var servesOps = true
    package var limits = ConnectionLimits()
    package var hubLimits = HubLimits()

    /// What the header `Server` says.
    static let serverName = "Kentongan"

    package init(host: String, port: Int, publicURL: String) {
        self.host = host
        self.port = port
        self.publicURL = publicURL
    }
}
