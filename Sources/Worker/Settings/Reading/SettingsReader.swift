import Configuration
import Foundation
import SystemPackage

/// Reads keys from the environment (`http.publicURL` is `KENTONGAN_HTTP_PUBLIC_URL`) and, if they are not set there,
/// from a file.
///
/// The reader keeps each fault with its place and goes on with the default, so that it can report all faults together.
final class SettingsReader {
    private let reader: ConfigReader
    private let environment: SettingsEnvironment
    private let file: SettingsFile?
    private(set) var faults: [ConfigurationError]

    static let prefix = "KENTONGAN_"

    /// The variables of secrets, without the prefix. For each, a variable with `_FILE` may name a file that contains
    /// the value.
    static let secrets = SettingKey.all.filter(\.isSecret).map { String($0.variable.dropFirst(prefix.count)) }

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
                // The faults found before this say why.
            }
        }
        reader = ConfigReader(providers: providers)
    }

    /// Reads a file that nobody else may read. `name` is the setting that names the file.
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

    /// Returns the value that `read` returns. If it throws, the reader keeps the fault and returns `usual`.
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

    /// The value of a key that has no default; nil if it is empty.
    func string(_ key: SettingKey) -> String? {
        let value = reader.string(forKey: ConfigKey(key.name))
        return value?.isEmpty == false ? value : nil
    }

    /// The value of a text, or its default.
    func text(_ key: SettingKey) -> String {
        guard case .text(let usual, _) = key.form else { return string(key) ?? "" }
        return string(key) ?? usual
    }

    /// The values of a list, or its default.
    func list(_ key: SettingKey) -> [String] {
        let list = reader.stringArray(forKey: ConfigKey(key.name)) ?? string(key).map { [$0] } ?? []
        let items = list.flatMap { $0.split(separator: ",") }.map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty }
        guard items.isEmpty, case .list(let usual, _) = key.form else { return items }
        return usual
    }

    /// The value of a flag, or its default.
    func flag(_ key: SettingKey) -> Bool {
        guard case .flag(let usual) = key.form, let text = string(key) else { return key.form.isTrue }
        switch text.lowercased() {
        case "true", "yes", "on", "1": return true
        case "false", "no", "off", "0": return false
        default:
            fail(.badValue(key: key.name, reason: "\(text) is neither true nor false"))
            return usual
        }
    }

    /// The value of an integer, or its default.
    func integer(_ key: SettingKey) -> Int {
        guard case .integer(let usual, let range, _) = key.form else { return 0 }
        guard let text = string(key) else { return usual }
        guard let number = Int(text), range.contains(number) else {
            fail(
                .badValue(
                    key: key.name, reason: "\(text) is no number from \(range.lowerBound) to \(range.upperBound)"))
            return usual
        }
        return number
    }

    /// One of the words that the key takes.
    func choice(_ key: SettingKey) -> String {
        guard case .choice(let words) = key.form else { return "" }
        guard let text = string(key) else { return words[0] }
        guard words.contains(text) else {
            fail(.badValue(key: key.name, reason: "\(text) is not one of \(words.joined(separator: ", "))"))
            return words[0]
        }
        return text
    }
}

extension SettingKey.Form {
    fileprivate var isTrue: Bool { if case .flag(true) = self { true } else { false } }
}
