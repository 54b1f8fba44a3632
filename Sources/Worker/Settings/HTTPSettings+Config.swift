import Storage
import Bulletins
package import HTTPPost
import WebSub

extension SettingKey {
    static let httpListen = SettingKey(
        "http.listen", .text("127.0.0.1:8080", form: "HOST:PORT"), "The address where the portal listens.")
    static let httpPublicURL = SettingKey(
        "http.publicURL", .text("http://127.0.0.1:8080", form: "an http or https URL without ? and #"),
        """
        The address under which subscribers reach http.listen. It appears in mails, feeds and webhooks. The default is \
        http:// and http.listen.
        """)
    static let httpOpsListen = SettingKey(
        "http.opsListen", .text(form: "HOST:PORT"),
        """
        A separate address for health and metrics, in every role, such as 127.0.0.1:9090. Empty: at http.listen, also \
        in a worker without the portal.
        """)
    static let httpTrustedProxies = SettingKey(
        "http.trustedProxies", .list(["127.0.0.0/8", "::1"], form: "networks"),
        "The proxies before the portal whose X-Forwarded-For the worker believes.")
    static let httpConnections = SettingKey(
        "http.connections", .integer(4096, 1...1_000_000, unit: "connections"),
        """
        The number of connections that may be open together. The worker keeps a part of the files that the process may \
        open for its own work.
        """)
    static let hubPerOwner = SettingKey(
        "hub.perOwner", .integer(100, 1...1_000_000, unit: "subscriptions"),
        """
        The number of active WebSub subscriptions whose callbacks share a registered name (example.com, desa.go.id; for \
        an IP address, its network). A service that subscribes for many readers needs more.
        """)
    static let hubPerNetwork = SettingKey(
        "hub.perNetwork", .integer(100, 1...1_000_000, unit: "subscriptions"),
        "The number of active WebSub subscriptions that one network has asked for.")

    static let http = [
        httpListen, httpPublicURL, httpOpsListen, httpTrustedProxies, httpConnections, hubPerOwner, hubPerNetwork,
    ]
}

extension Settings {
    /// The settings of the portal and the hub.
    package struct HTTP: Sendable {
        package var listen: ListenAddress
        /// The public address, without a slash at its end.
        package var publicURL: String
        /// The address for health and metrics; nil for the portal's own.
        package var opsListen: ListenAddress?
        /// The proxies whose `X-Forwarded-For` is believed.
        package var trustedProxies: [AddressNetwork]
        package var connections: Int
        /// The maximum number of subscriptions of callbacks that share one registered name.
        package var hubPerOwner: Int
        /// The maximum number of subscriptions that one network may ask for.
        package var hubPerNetwork: Int

        init(_ reader: SettingsReader) {
            let listen = reader.address(.httpListen) ?? ListenAddress(host: "127.0.0.1", port: 8080)
            self.listen = listen
            publicURL = reader.value("") { () throws(ConfigurationError) in try Self.publicURL(reader, listen) }
            opsListen = reader.address(.httpOpsListen)
            trustedProxies = reader.networks(.httpTrustedProxies)
            connections = reader.integer(.httpConnections)
            hubPerOwner = reader.integer(.hubPerOwner)
            hubPerNetwork = reader.integer(.hubPerNetwork)
        }

        private static func publicURL(_ reader: SettingsReader, _ listen: ListenAddress) throws(ConfigurationError)
            -> String
        {
            let url = reader.string(.httpPublicURL) ?? "http://\(listen.host):\(listen.port)"
            // Every link is this address with a path appended.
            guard Grammar.isWebURL(url), !url.contains(where: "?#".contains) else {
                throw .badValue(key: "http.publicURL", reason: "\(url) is no http or https URL without ? and #")
            }
            return url.hasSuffix("/") ? String(url.dropLast()) : url
        }
    }
}

extension HubSettings {
    init(_ http: Settings.HTTP) {
        self.init(publicURL: http.publicURL)
        limits.subscriptionsOfOwner = http.hubPerOwner
        limits.subscriptionsOfNetwork = http.hubPerNetwork
    }
}
