import Configuration
import Foundation
import SystemPackage

/// Reads keys from the environment (`http.publicURL` is `KENTONGAN_HTTP_PUBLIC_URL`), else from a file. What is wrong is
/// kept with its place, and the default holds in its stead, so that all faults are told together.
final class SettingsReader {
    private let reader: ConfigReader
    private let environment: SettingsEnvironment
    private let file: SettingsFile?
    private(set) var faults: [ConfigurationError]

    static let prefix = "KENTONGAN_"

    /// Secrets, which may also come from a file that a variable with `_FILE` names.
    static let secrets = ["AMQP_URL", "SMTP_URL", "SMTP_PASSWORD", "OPS_TOKEN"]

    init(file: String?, environment: [String: String]) async throws(ConfigurationError) {
        self.environment = SettingsEnvironment(environment)
        self.file = try file.map { path throws(ConfigurationError) in try SettingsFile(path) }
        faults = self.environment.faults + (self.file?.faults ?? [])
        var providers: [any ConfigProvider] = [
            EnvironmentVariablesProvider(environmentVariables: self.environment.values)
        ]
        if let file {
            do {
                providers.append(try await FileProvider<YAMLSnapshot>(filePath: FilePath(file)))
            } catch  where faults.isEmpty {
                throw .unreadableFile(file, reason: "it is not of the form of a configuration")
            } catch {
                // The faults say why.
            }
        }
        reader = ConfigReader(providers: providers)
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

    // MARK: - Values

    /// What `read` returns; if it fails, the fault is kept and `usual` returned.
    func value<T>(_ usual: T, _ read: () throws(ConfigurationError) -> T) -> T {
        do throws(ConfigurationError) {
            return try read()
        } catch {
            fail(error)
            return usual
        }
    }

    private func fail(_ fault: ConfigurationError) {
        faults.append(fault.found { self.environment.place(of: $0) ?? self.file?.place(of: $0) })
    }

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

    func boolean(_ key: SettingKey, default value: Bool) -> Bool {
        guard let text = string(key) else { return value }
        switch text.lowercased() {
        case "true", "yes", "on", "1": return true
        case "false", "no", "off", "0": return false
        default:
            fail(.badValue(key: key.rawValue, reason: "\(text) is neither true nor false"))
            return value
        }
    }

    func integer(_ key: SettingKey, default value: Int, in range: ClosedRange<Int>) -> Int {
        guard let text = string(key) else { return value }
        guard let number = Int(text), range.contains(number) else {
            fail(
                .badValue(
                    key: key.rawValue, reason: "\(text) is no number from \(range.lowerBound) to \(range.upperBound)"))
            return value
        }
        return number
    }
}
