import Addresses
import DeliveryEngine
import Foundation
import HTTPPost

/// The forms of values that several modules share.
extension SettingsReader {
    /// An address as HOST:PORT; nil if the key is empty and has no default.
    func address(_ key: SettingKey) -> Settings.ListenAddress? {
        let text = text(key)
        guard !text.isEmpty else { return nil }
        return value(nil) { () throws(ConfigurationError) in
            guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
                (0...65_535).contains(port), colon > text.startIndex
            else { throw .badValue(key: key.name, reason: "\(text) is not HOST:PORT") }
            let host = text[..<colon].trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
            return Settings.ListenAddress(host: host, port: port)
        }
    }

    /// The networks of a key, each as an address or as `ADDRESS/BITS`.
    func networks(_ key: SettingKey) -> [AddressNetwork] {
        let texts = list(key)
        return value([]) { () throws(ConfigurationError) in
            var networks: [AddressNetwork] = []
            for text in texts {
                do {
                    networks.append(try AddressNetwork(text))
                } catch {
                    throw .badValue(key: key.name, reason: "\(error)")
                }
            }
            return networks
        }
    }

    /// The pauses between attempts, in seconds.
    func schedule(_ key: SettingKey) -> RetrySchedule {
        let texts = list(key)
        return value(RetrySchedule()) { () throws(ConfigurationError) in
            let pauses = texts.compactMap { Int($0) }.filter { (0...604_800).contains($0) }
            guard pauses.count == texts.count, pauses.count <= 100 else {
                throw .badValue(key: key.name, reason: "it must be a list of seconds, each 0 to 604800")
            }
            return RetrySchedule(pauses: pauses.map { .seconds($0) })
        }
    }

    /// A mail address in its canonical spelling; nil if the key is empty.
    func mailbox(_ key: SettingKey) -> String? {
        value(nil) { () throws(ConfigurationError) in
            guard let address = string(key) else { return nil }
            return try Self.mailbox(address, key)
        }
    }

    /// Parses a mail address, and names the key in the fault.
    static func mailbox(_ text: String, _ key: SettingKey, scope: MailAddress.Scope = .internet)
        throws(ConfigurationError) -> String
    {
        do throws(AddressFault) {
            return try MailAddress(text, scope: scope).description
        } catch {
            throw .badValue(key: key.name, reason: "\(text) is no email address: \(error)")
        }
    }
}

extension RetrySchedule {
    /// The default pauses as the configuration writes them, in seconds.
    static let usual = RetrySchedule().pauses.map { "\($0.components.seconds)" }
}
