extension SettingKey {
    static let deliveryLease = SettingKey(
        "delivery.lease", .integer(30, 1...3600, unit: "seconds"),
        "The time that a claim holds without being renewed. After a kill, another worker goes on once it has passed.")
    static let deliveryGrace = SettingKey(
        "delivery.grace", .integer(20, 0...3600, unit: "seconds"),
        """
        The time that attempts under way have when the worker stops. Five seconds later the process ends, whatever hangs.
        """)
    static let opsToken = SettingKey(
        "ops.token", .secret(form: "text"), "Reserved for the API; it has no effect yet.")
    static let opsEmail = SettingKey(
        "ops.email", .text(form: "an address"),
        "The operators, who get a mail when an endpoint is turned off. Empty: the log alone.")
    static let logLevel = SettingKey(
        "log.level", .choice(["info", "trace", "debug", "notice", "warning", "error", "critical"]),
        "The least severe messages that the log takes.")

    static let operation = [deliveryLease, deliveryGrace, opsToken, opsEmail, logLevel]
}

extension Settings {
    /// The settings of the delivery engine, for all channels.
    package struct Delivery: Sendable {
        /// The time for which a claim holds without being renewed.
        package var lease: Duration
        /// The time that attempts under way get when the worker stops.
        package var grace: Duration

        init(_ reader: SettingsReader) {
            lease = .seconds(reader.integer(.deliveryLease))
            grace = .seconds(reader.integer(.deliveryGrace))
        }
    }
}
