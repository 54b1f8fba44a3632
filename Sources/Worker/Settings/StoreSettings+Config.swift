extension SettingKey {
    static let storeURL = SettingKey(
        "store.url", .text("sqlite:var/kentongan.db", form: "`sqlite:PATH`, on a local file system"),
        """
        The store. Beside PATH the worker keeps PATH.lock, PATH.reading (the messages that intake is reading) and \
        PATH.key, from which it derives tokens and secrets. Back the key up, apart from the store.
        """)

    static let store = [storeURL]
}

extension Settings {
    /// The place of the store.
    package struct StoreLocation: Sendable {
        /// The path of the SQLite file.
        package var path: String

        init(_ reader: SettingsReader) {
            path = reader.value("") { () throws(ConfigurationError) in
                let url = reader.text(.storeURL)
                guard url.hasPrefix("sqlite:"), url.count > 7 else {
                    throw .badValue(key: "store.url", reason: "it must be sqlite:PATH")
                }
                return String(url.dropFirst(7))
            }
        }
    }
}
