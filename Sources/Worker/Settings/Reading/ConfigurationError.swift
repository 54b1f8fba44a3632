/// A fault of the configuration, which ends the program with exit code 78. Its text never contains a secret.
package enum ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    case unreadableFile(String, reason: String)
    /// A key that does not exist. `place` is a file with its line, or the environment; `nearest` is the name that was
    /// probably meant.
    case unknownKey(String, place: String, nearest: String?)
    /// A part of a file or a variable that does not have the form of a configuration.
    case badForm(place: String, reason: String)
    case badValue(key: String, place: String? = nil, reason: String)
    case missing(key: String, purpose: String)
    /// Several faults.
    case several([ConfigurationError])

    package var description: String { all.map(\.sentence).joined(separator: "; ") }

    /// The faults, one by one.
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

    /// The same fault with the place where its value was found.
    func found(at place: (String) -> String?) -> ConfigurationError {
        guard case .badValue(let key, nil, let reason) = self else { return self }
        return .badValue(key: key, place: place(key), reason: reason)
    }
}
