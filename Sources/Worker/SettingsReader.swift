import Configuration
import Foundation
import SystemPackage
import Yams
import Wording

/// Reads keys from the environment (`http.publicURL` is `KENTONGAN_HTTP_PUBLIC_URL`), else from a file.
struct SettingsReader {
    private let reader: ConfigReader

    static let prefix = "KENTONGAN_"

    /// Secrets, which may also come from a file that a variable with `_FILE` names.
    static let secrets = ["AMQP_URL", "SMTP_URL", "SMTP_PASSWORD", "OPS_TOKEN"]

    init(file: String?, environment: [String: String]) async throws(ConfigurationError) {
        var providers: [any ConfigProvider] = [
            EnvironmentVariablesProvider(environmentVariables: try Self.own(environment))
        ]
        if let file {
            try Self.refuseUnknownKeys(in: file)
            do {
                providers.append(try await FileProvider<YAMLSnapshot>(filePath: FilePath(file)))
            } catch {
                throw .unreadableFile(file, reason: error.spoken)
            }
        }
        reader = ConfigReader(providers: providers)
    }

    /// The variables of this program, without their prefix, secrets read from their files.
    private static func own(_ environment: [String: String]) throws(ConfigurationError) -> [String: String] {
        var found: [String: String] = [:]
        for (name, value) in environment where name.hasPrefix(prefix) {
            found[String(name.dropFirst(prefix.count))] = value
        }
        for secret in secrets {
            guard let file = found[secret + "_FILE"] else { continue }
            found[secret] = try secretFile(file, named: prefix + secret + "_FILE")
        }
        return found
    }

    /// What stands in a file that nobody else may read. `name` is the setting that names it.
    static func secretFile(_ file: String, named name: String) throws(ConfigurationError) -> String {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw .badValue(key: name, reason: "\(file) cannot be read")
        }
        let attributes = try? FileManager.default.attributesOfItem(atPath: file)
        if let mode = attributes?[.posixPermissions] as? NSNumber, mode.intValue & 0o007 != 0 {
            throw .badValue(key: name, reason: "\(file) can be read by everybody; chmod o= it")
        }
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static func refuseUnknownKeys(in file: String) throws(ConfigurationError) {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw .unreadableFile(file, reason: "there is no such file, or it may not be read")
        }
        let root: Node?
        do {
            root = try Yams.compose(yaml: String(decoding: data, as: UTF8.self))
        } catch {
            throw .unreadableFile(file, reason: "it is not YAML: \(error.spoken)")
        }
        guard let root else { return }
        guard let mapping = root.mapping else {
            throw .unreadableFile(file, reason: "it does not hold keys and values")
        }
        try refuseUnknownKeys(mapping, below: "", file)
    }

    private static func refuseUnknownKeys(_ mapping: Node.Mapping, below path: String, _ file: String)
        throws(ConfigurationError)
    {
        for (key, value) in mapping {
            let name = path + (key.string ?? "?")
            if let nested = value.mapping {
                try refuseUnknownKeys(nested, below: name + ".", file)
            } else if SettingKey(rawValue: name) == nil {
                throw .unknownKey(name, file: file)
            }
        }
    }

    // MARK: - Values

    /// A value that is not empty.
    func string(_ key: SettingKey) -> String? {
        let value = reader.string(forKey: ConfigKey(key.rawValue))
        return value?.isEmpty == false ? value : nil
    }

    func list(_ key: SettingKey) -> [String] {
        let list = reader.stringArray(forKey: ConfigKey(key.rawValue)) ?? string(key).map { [$0] } ?? []
        return list.flatMap { $0.split(separator: ",") }.map { $0.trimmingCharacters(in: .whitespaces) }.filter {
            !$0.isEmpty
        }
    }

    func boolean(_ key: SettingKey, default value: Bool) throws(ConfigurationError) -> Bool {
        guard let text = string(key) else { return value }
        switch text.lowercased() {
        case "true", "yes", "on", "1": return true
        case "false", "no", "off", "0": return false
        default: throw .badValue(key: key.rawValue, reason: "\(text) is neither true nor false")
        }
    }

    func integer(_ key: SettingKey, default value: Int, in range: ClosedRange<Int>) throws(ConfigurationError) -> Int {
        guard let text = string(key) else { return value }
        guard let number = Int(text), range.contains(number) else {
            throw .badValue(
                key: key.rawValue, reason: "\(text) is no number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
}
