import SMTP
package import Logging
package import Storage

/// The whole configuration, checked. Each module has a part, and declares its keys in the same file.
package struct Settings: Sendable {
    package var broker: Broker
    package var store: StoreLocation
    package var email: Email
    package var http: HTTP
    package var webhooks: Webhooks
    package var delivery: Delivery
    /// The address of the operators; nil if they only read the log.
    package var operators: String?
    package var retention: Retention
    package var data: DataFiles
    package var logLevel: Logger.Level

    /// Reads and checks all keys. It reports all faults together, each with its place.
    package init(file: String?, environment: [String: String]) async throws(ConfigurationError) {
        let reader = try await SettingsReader(file: file, environment: environment)
        broker = Broker(reader)
        store = StoreLocation(reader)
        email = Email(reader)
        http = HTTP(reader)
        webhooks = Webhooks(reader)
        delivery = Delivery(reader)
        operators = reader.mailbox(.opsEmail)
        retention = Retention(reader)
        data = DataFiles(reader)
        logLevel = Logger.Level(rawValue: reader.choice(.logLevel)) ?? .info
        if reader.faults.count > 1 { throw .several(reader.faults) }
        if let fault = reader.faults.first { throw fault }
    }

    /// An address to listen at.
    package struct ListenAddress: Sendable, Equatable, CustomStringConvertible {
        package var host: String
        package var port: Int

        package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
    }

    /// The number of files and connections that the worker may need for its own work: the store, the broker, health,
    /// relays, and connections of webhooks and of the hub.
    var ownDescriptors: Int {
        128 + 2 * webhooks.concurrency + email.relays.reduce(0) { $0 + $1.maximumConnections }
    }
}
