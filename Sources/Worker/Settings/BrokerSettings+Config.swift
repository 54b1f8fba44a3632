package import AMQP
import Intake

extension SettingKey {
    static let amqpURL = SettingKey(
        "amqp.url", .secretURL(form: "`amqp://USER:PASSWORD@HOST:PORT,HOST:PORT/VHOST` or `amqps://...`"),
        """
        The broker. Several hosts are tried in turn. The query takes heartbeat (seconds), connection_timeout \
        (milliseconds) and, with TLS, cacertfile, certfile and keyfile. `serve` with the role intake, and `publish`, \
        need it.
        """)
    static let amqpDeclare = SettingKey(
        "amqp.declare", .flag(true),
        "Whether the worker declares exchanges, queues and bindings. With false, an operator runs `topology apply`.")
    static let amqpPrefetch = SettingKey(
        "amqp.prefetch", .integer(1000, 1...65_535, unit: "messages"),
        "The number of messages that the broker may send ahead, per queue.")
    static let publishersAuth = SettingKey(
        "publishers.auth", .choice(["required", "open"]),
        """
        With required, the user_id that the broker has checked must be the user of the publisher. With open, anybody may \
        publish as anybody; use that for trials only.
        """)

    static let broker = [amqpURL, amqpDeclare, amqpPrefetch, publishersAuth]
}

extension Settings {
    /// The settings of the broker and of the messages that intake accepts.
    package struct Broker: Sendable {
        /// The connection; nil if no URL is set.
        package var connection: BrokerSettings?
        /// Whether the worker declares exchanges, queues and bindings.
        package var declares: Bool
        /// The number of messages that the broker may send ahead, per queue.
        package var prefetch: UInt16
        /// Whether the user that the broker has verified must be the publisher's.
        package var requiresUser: Bool

        init(_ reader: SettingsReader) {
            connection = reader.value(nil) { () throws(ConfigurationError) in try Self.connection(reader) }
            declares = reader.flag(.amqpDeclare)
            prefetch = UInt16(reader.integer(.amqpPrefetch))
            requiresUser = reader.choice(.publishersAuth) == "required"
        }

        private static func connection(_ reader: SettingsReader) throws(ConfigurationError) -> BrokerSettings? {
            guard let url = reader.string(.amqpURL) else { return nil }
            do {
                var settings = try BrokerSettings(url: url)
                settings.connectionName = "kentongan"
                return settings
            } catch {
                throw .badValue(key: "amqp.url", reason: "\(error)")
            }
        }

        /// The connection, for commands that need one.
        package func required() throws(ConfigurationError) -> BrokerSettings {
            guard let connection else { throw .missing(key: "amqp.url", purpose: "this command") }
            return connection
        }
    }
}

extension IntakeSettings {
    init(_ broker: Settings.Broker, _ store: Settings.StoreLocation) throws(ConfigurationError) {
        self.init(broker: try broker.required())
        requiresUser = broker.requiresUser
        declares = broker.declares
        prefetch = broker.prefetch
        readingMarkPath = store.path + ".reading"
    }
}
