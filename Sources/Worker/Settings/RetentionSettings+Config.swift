import Storage

extension SettingKey {
    static let retentionBulletins = SettingKey(
        "retention.bulletins", .integer(1825, 0...36_500, unit: "days"),
        """
        The time that finished bulletins are kept. 0 keeps them without end, here and below. A bulletin's identity goes \
        with it: sent again, it would be new.
        """)
    static let retentionDeliveries = SettingKey(
        "retention.deliveries", .integer(365, 0...36_500, unit: "days"),
        "The time that deliveries are kept after their end.")
    static let retentionAttempts = SettingKey(
        "retention.attempts", .integer(90, 0...36_500, unit: "days"), "The time that attempts are kept.")
    static let retentionRefusals = SettingKey(
        "retention.refusals", .integer(90, 0...36_500, unit: "days"), "The time that rejected messages are kept.")
    static let retentionAddresses = SettingKey(
        "retention.addresses", .integer(30, 0...36_500, unit: "days"),
        """
        The time that an address is kept after its last subscription has ended. A keyed hash of it stays.
        """)

    static let retention = [
        retentionBulletins, retentionDeliveries, retentionAttempts, retentionRefusals, retentionAddresses,
    ]
}

extension Retention {
    /// Reads the retention times, in days. Zero days keep the rows without end.
    init(_ reader: SettingsReader) {
        func period(_ key: SettingKey) -> Duration? {
            let days = reader.integer(key)
            return days == 0 ? nil : .seconds(days * 86_400)
        }
        self.init(
            bulletins: period(.retentionBulletins), deliveries: period(.retentionDeliveries),
            attempts: period(.retentionAttempts), refusals: period(.retentionRefusals),
            addresses: period(.retentionAddresses))
    }
}
