import Addresses
import AMQP
import Bulletins
import DeliveryEngine
import Email
import Foundation
import HTTPPost
import Logging
import NIOCore
import SMTP
import Storage

extension Settings {
    /// Reads and checks all keys; everything that is wrong is told with its place.
    package init(file: String?, environment: [String: String]) async throws(ConfigurationError) {
        let reader = try await SettingsReader(file: file, environment: environment)
        broker = reader.value(nil) { () throws(ConfigurationError) in try Self.broker(reader) }
        declaresTopology = reader.boolean(.amqpDeclare, default: true)
        prefetch = UInt16(reader.integer(.amqpPrefetch, default: 1000, in: 1...65_535))
        storePath = reader.value("") { () throws(ConfigurationError) in try Self.storePath(reader) }
        relays = reader.value([]) { () throws(ConfigurationError) in try Self.relays(reader) }
        mailFrom = reader.value("") { () throws(ConfigurationError) in try Self.mailFrom(reader) }
        mailFromName = reader.string(.mailFromName) ?? Self.ownName
        variesReturnPaths = reader.boolean(.mailVERP, default: true)
        unsubscribeAddress = reader.value(nil) { () throws(ConfigurationError) in
            try Self.optionalMailbox(reader, .mailUnsubscribe)
        }
        mailFolder = reader.string(.mailFolder) ?? "var/mail"
        mailKeys = reader.value([]) { () throws(ConfigurationError) in try Self.mailKeys(reader) }
        bounces = Self.address(reader, .mailBouncesListen)
        listen = Self.address(reader, .httpListen) ?? ListenAddress(host: "127.0.0.1", port: 8080)
        let listen = listen
        publicURL = reader.value("") { () throws(ConfigurationError) in try Self.publicURL(reader, listen) }
        opsListen = Self.address(reader, .httpOpsListen)
        trustedProxies = Self.networks(reader, .httpTrustedProxies, default: ["127.0.0.0/8", "::1"])
        httpConnections = reader.integer(.httpConnections, default: 4096, in: 1...1_000_000)
        hubPerOwner = reader.integer(.hubPerOwner, default: 100, in: 1...1_000_000)
        hubPerNetwork = reader.integer(.hubPerNetwork, default: 100, in: 1...1_000_000)
        webhookNetworks = Self.networks(reader, .webhooksAllow, default: [])
        webhookAuthorities = reader.value(nil) { () throws(ConfigurationError) in try Self.authorities(reader) }
        webhookConcurrency = reader.integer(.webhooksConcurrency, default: 64, in: 1...4096)
        webhooksPerHost = reader.integer(.webhooksPerHost, default: 32, in: 1...4096)
        webhooksPerEndpoint = reader.integer(.webhooksPerEndpoint, default: 4, in: 1...4096)
        webhookRate = reader.integer(.webhooksRatePerHost, default: 0, in: 0...100_000)
        mailRate = reader.integer(.smtpRate, default: 0, in: 0...100_000)
        mailRetry = Self.schedule(reader, .smtpRetry)
        webhookRetry = Self.schedule(reader, .webhooksRetry)
        operators = reader.value(nil) { () throws(ConfigurationError) in try Self.optionalMailbox(reader, .opsEmail) }
        retention = Self.retention(reader)
        lease = .seconds(reader.integer(.deliveryLease, default: 30, in: 1...3600))
        grace = .seconds(reader.integer(.deliveryGrace, default: 20, in: 0...3600))
        requiresUser = reader.value(true) { () throws(ConfigurationError) in try Self.requiresUser(reader) }
        data = Self.dataFiles(reader)
        logLevel = reader.value(.info) { () throws(ConfigurationError) in try Self.logLevel(reader) }
        if reader.faults.count > 1 { throw .several(reader.faults) }
        if let fault = reader.faults.first { throw fault }
    }

    private static func broker(_ reader: SettingsReader) throws(ConfigurationError) -> BrokerSettings? {
        guard let url = reader.string(.amqpURL) else { return nil }
        do {
            var settings = try BrokerSettings(url: url)
            settings.connectionName = "kentongan"
            return settings
        } catch {
            throw .badValue(key: "amqp.url", reason: "\(error)")
        }
    }

    private static func storePath(_ reader: SettingsReader) throws(ConfigurationError) -> String {
        let url = reader.string(.storeURL) ?? "sqlite:var/kentongan.db"
        guard url.hasPrefix("sqlite:"), url.count > 7 else {
            throw .badValue(key: "store.url", reason: "it must be sqlite:PATH")
        }
        return String(url.dropFirst(7))
    }

    /// The relays in the order in which they are tried.
    private static func relays(_ reader: SettingsReader) throws(ConfigurationError) -> [SMTPSettings] {
        var relays: [SMTPSettings] = []
        for url in relayURLs(reader.list(.smtpURL)) {
            do throws(SMTPError) {
                relays.append(try SMTPSettings(url: url))
            } catch {
                throw .badValue(key: "smtp.url", reason: "\(error)")
            }
        }
        let connections = reader.integer(.smtpConnections, default: 8, in: 1...256)
        let timeout = reader.integer(.smtpTimeout, default: 60, in: 1...3600)
        let dataTimeout = reader.integer(.smtpDataTimeout, default: 600, in: 1...3600)
        let totalTimeout = reader.integer(.smtpTotalTimeout, default: 900, in: 1...7200)
        for index in relays.indices {
            // What stands in a URL is that relay's, and for no other.
            if relays[index].password == nil { relays[index].password = reader.string(.smtpPassword) }
            relays[index].maximumConnections = connections
            relays[index].connectTimeout = .seconds(Int64(min(timeout, 10)))
            relays[index].commandTimeout = .seconds(Int64(timeout))
            relays[index].dataTimeout = .seconds(Int64(dataTimeout))
            relays[index].totalTimeout = .seconds(Int64(totalTimeout))
        }
        return relays
    }

    /// A comma may also stand in a password.
    private static func relayURLs(_ items: [String]) -> [String] {
        items.reduce(into: []) { urls, item in
            let isURL = item.lowercased().hasPrefix("smtp://") || item.lowercased().hasPrefix("smtps://")
            if isURL || urls.isEmpty { urls.append(item) } else { urls[urls.count - 1] += "," + item }
        }
    }

    private static func mailFrom(_ reader: SettingsReader) throws(ConfigurationError) -> String {
        let text = reader.string(.mailFrom) ?? "kentongan@localhost"
        let address = try mailbox(text, .mailFrom, scope: text.hasSuffix("@localhost") ? .anyHost : .internet)
        guard address.prefix(while: { $0 != "@" }).utf8.count <= BounceAddress.longestLocalPart else {
            throw .badValue(
                key: "mail.from",
                reason:
                    "what stands before the @ of \(address) must be \(BounceAddress.longestLocalPart) bytes at most, as return paths are made of it"
            )
        }
        return address
    }

    /// `SELECTOR:FILE` each; a file that others may read is refused.
    private static func mailKeys(_ reader: SettingsReader) throws(ConfigurationError) -> [DKIMKey] {
        var keys: [DKIMKey] = []
        for item in reader.list(.mailDKIM) {
            let parts = item.split(separator: ":", maxSplits: 1).map(String.init)
            guard parts.count == 2 else {
                throw .badValue(key: "mail.dkim", reason: "\(item) is not SELECTOR:FILE")
            }
            let pem = try SettingsReader.secretFile(parts[1], named: "mail.dkim")
            do {
                keys.append(try DKIMKey(selector: parts[0], pem: pem))
            } catch {
                throw .badValue(key: "mail.dkim", reason: "\(item): \(error)")
            }
        }
        return keys
    }

    private static func address(_ reader: SettingsReader, _ key: SettingKey) -> ListenAddress? {
        reader.value(nil) { () throws(ConfigurationError) in
            try reader.string(key).map { text throws(ConfigurationError) in try address(text, key) }
        }
    }

    private static func address(_ text: String, _ key: SettingKey) throws(ConfigurationError) -> ListenAddress {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port), colon > text.startIndex
        else { throw .badValue(key: key.rawValue, reason: "\(text) is not HOST:PORT") }
        let host = text[..<colon].trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        return ListenAddress(host: host, port: port)
    }

    private static func publicURL(_ reader: SettingsReader, _ listen: ListenAddress) throws(ConfigurationError)
        -> String
    {
        let url = reader.string(.httpPublicURL) ?? "http://\(listen.host):\(listen.port)"
        // Every link is made by writing its path behind this.
        guard Grammar.isWebURL(url), !url.contains(where: "?#".contains) else {
            throw .badValue(key: "http.publicURL", reason: "\(url) is no http or https URL without ? and #")
        }
        return url.hasSuffix("/") ? String(url.dropLast()) : url
    }

    private static func networks(_ reader: SettingsReader, _ key: SettingKey, default usual: [String])
        -> [AddressNetwork]
    {
        let texts = reader.list(key)
        return reader.value([]) { () throws(ConfigurationError) in
            var networks: [AddressNetwork] = []
            for text in texts.isEmpty ? usual : texts {
                do {
                    networks.append(try AddressNetwork(text))
                } catch {
                    throw .badValue(key: key.rawValue, reason: "\(error)")
                }
            }
            return networks
        }
    }

    private static func authorities(_ reader: SettingsReader) throws(ConfigurationError) -> String? {
        guard let file = reader.string(.webhooksAuthorities) else { return nil }
        guard FileManager.default.isReadableFile(atPath: file) else {
            throw .badValue(key: "webhooks.authorities", reason: "\(file) cannot be read")
        }
        return file
    }

    /// Seconds between attempts.
    private static func schedule(_ reader: SettingsReader, _ key: SettingKey) -> RetrySchedule {
        let texts = reader.list(key)
        guard !texts.isEmpty else { return RetrySchedule() }
        return reader.value(RetrySchedule()) { () throws(ConfigurationError) in
            let pauses = texts.compactMap { Int($0) }.filter { (0...604_800).contains($0) }
            guard pauses.count == texts.count, pauses.count <= 100 else {
                throw .badValue(key: key.rawValue, reason: "it must be a list of seconds, each 0 to 604800")
            }
            return RetrySchedule(pauses: pauses.map { .seconds($0) })
        }
    }

    /// A mail address in its one spelling.
    private static func mailbox(_ text: String, _ key: SettingKey, scope: MailAddress.Scope = .internet)
        throws(ConfigurationError) -> String
    {
        do throws(AddressFault) {
            return try MailAddress(text, scope: scope).description
        } catch {
            throw .badValue(key: key.rawValue, reason: "\(text) is no email address: \(error)")
        }
    }

    private static func optionalMailbox(_ reader: SettingsReader, _ key: SettingKey) throws(ConfigurationError)
        -> String?
    {
        guard let address = reader.string(key) else { return nil }
        return try mailbox(address, key)
    }

    private static func retention(_ reader: SettingsReader) -> Retention {
        func days(_ key: SettingKey, _ days: Int) -> Duration? {
            let days = reader.integer(key, default: days, in: 0...36_500)
            return days == 0 ? nil : .seconds(days * 86_400)
        }
        return Retention(
            bulletins: days(.retentionBulletins, 1825), deliveries: days(.retentionDeliveries, 365),
            attempts: days(.retentionAttempts, 90), refusals: days(.retentionRefusals, 90),
            addresses: days(.retentionAddresses, 30))
    }

    private static func requiresUser(_ reader: SettingsReader) throws(ConfigurationError) -> Bool {
        switch reader.string(.publishersAuth) ?? "required" {
        case "required": return true
        case "open": return false
        case let other: throw .badValue(key: "publishers.auth", reason: "\(other) is neither required nor open")
        }
    }

    /// The other files are looked for beside `data.regions`.
    private static func dataFiles(_ reader: SettingsReader) -> DataFiles {
        let regions = reader.string(.dataRegions) ?? DataFolder.path + "/regions.csv"
        let folder = regions.lastIndex(of: "/").map { regions[...$0] } ?? ""
        func file(_ key: SettingKey, _ name: String) -> String {
            reader.string(key) ?? folder + name
        }
        return DataFiles(
            regions: regions, successors: file(.dataSuccessors, "region-successors.csv"),
            timeZones: file(.dataTimeZones, "timezones.csv"), fields: file(.dataFields, "fields.csv"))
    }

    private static func logLevel(_ reader: SettingsReader) throws(ConfigurationError) -> Logger.Level {
        let text = reader.string(.logLevel) ?? "info"
        guard let level = Logger.Level(rawValue: text) else {
            throw .badValue(key: "log.level", reason: "\(text) is none of trace, debug, info, notice, warning, error")
        }
        return level
    }
}
