/// What is wrong with the configuration: exit code 78. Never shows a secret.
package enum ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    case unreadableFile(String, reason: String)
    /// `place` is a file with its line, or the environment; `nearest` the name that was probably meant.
    case unknownKey(String, place: String, nearest: String?)
    /// Something in a file or a variable that is not of the form of a configuration.
    case badForm(place: String, reason: String)
    case badValue(key: String, place: String? = nil, reason: String)
    case missing(key: String, purpose: String)
    /// More than one of these.
    case several([ConfigurationError])

    package var description: String { all.map(\.sentence).joined(separator: "; ") }

    /// Each fault by itself.
    package var all: [ConfigurationError] {
        if case .several(let faults) = self { return faults.flatMap(\.all) }
        return [self]
    }

    private var sentence: String {
        switch self {
        case .unreadableFile(let file, let reason): "\(file): cannot be read as configuration: \(reason)"
        case .unknownKey(let key, let place, let nearest):
            "\(place): \(key) is no key of the configuration; "
                + (nearest.map { "did you mean \($0)? " } ?? "") + "config/kentongan.yaml lists them all"
        case .badForm(let place, let reason): "\(place): \(reason)"
        case .badValue(let key, let place, let reason): "\(place.map { "\($0): " } ?? "")\(key): \(reason)"
        case .missing(let key, let purpose): "\(key) is not set; \(purpose) needs it"
        case .several: description
        }
    }

    /// The same with the place where the value was found.
    func found(at place: (String) -> String?) -> ConfigurationError {
        guard case .badValue(let key, nil, let reason) = self else { return self }
        return .badValue(key: key, place: place(key), reason: reason)
    }
}
