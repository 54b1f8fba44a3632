/// What is wrong with the configuration: exit code 78. Never shows a secret.
package enum ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    case unreadableFile(String, reason: String)
    case unknownKey(String, file: String)
    case badValue(key: String, reason: String)
    case missing(key: String, purpose: String)

    package var description: String {
        switch self {
        case .unreadableFile(let file, let reason): "\(file): cannot be read as configuration: \(reason)"
        case .unknownKey(let key, let file):
            "\(file): \(key) is no key of the configuration; config/kentongan.yaml lists them all"
        case .badValue(let key, let reason): "\(key): \(reason)"
        case .missing(let key, let purpose): "\(key) is not set; \(purpose) needs it"
        }
    }
}
