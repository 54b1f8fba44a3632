import Foundation

/// The environment variables of this program.
struct SettingsEnvironment {
    /// The values, by variable names without the prefix, as the reader of values expects them.
    private(set) var values: [String: String] = [:]
    private(set) var faults: [ConfigurationError] = []

    init(_ environment: [String: String]) {
        let secrets = SettingsReader.secrets.map { SettingsReader.prefix + $0 }
        let known = Set(SettingKey.all.map(\.variable) + secrets.map { $0 + "_FILE" })
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix(SettingsReader.prefix) {
            guard known.contains(name) || Self.isOfOthers(name) else {
                faults.append(
                    .unknownKey(name, place: "the environment", nearest: NearestName.of(name, among: known)))
                continue
            }
            values[String(name.dropFirst(SettingsReader.prefix.count))] = value
        }
        for secret in SettingsReader.secrets {
            guard let file = values[secret + "_FILE"] else { continue }
            do throws(ConfigurationError) {
                values[secret] = try SettingsReader.secretFile(
                    file, named: SettingsReader.prefix + secret + "_FILE")
            } catch {
                faults.append(error)
            }
        }
    }

    /// Whether others set the variable: the project's own scripts and tests, or Kubernetes for a service of this
    /// program's name.
    private static func isOfOthers(_ name: String) -> Bool {
        let rest = name.dropFirst(SettingsReader.prefix.count)
        return ["BIN", "FAILPOINT", "PORT"].contains(rest)
            || ["TEST_", "RUN_", "PORT_", "SERVICE_"].contains { rest.hasPrefix($0) }
    }

    /// The variable that sets a key; nil if none does.
    func place(of key: String) -> String? {
        guard let variable = SettingKey.named(key)?.variable else { return nil }
        let name = String(variable.dropFirst(SettingsReader.prefix.count))
        return values[name + "_FILE"] != nil ? variable + "_FILE" : values[name] != nil ? variable : nil
    }
}
