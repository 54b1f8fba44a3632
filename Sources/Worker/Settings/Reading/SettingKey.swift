/// A key of the configuration: its name, the form of its values with the default, and its purpose.
///
/// A key is declared once, in the file of its module. Reading, checking, `docs/configuration.md` and
/// `config/kentongan.yaml` all follow from the declaration.
struct SettingKey: Sendable {
    /// The form of a key's values.
    enum Form: Sendable {
        /// Text, described by `form`. Without a default the key is empty.
        case text(String = "", form: String)
        /// Text that must remain secret.
        case secret(form: String)
        /// A URL, or several separated by commas, each of which may contain a password before the `@`.
        case secretURL(form: String, isList: Bool = false)
        /// Several texts, separated by commas in the environment.
        case list([String] = [], form: String)
        case integer(Int, ClosedRange<Int>, unit: String)
        case flag(Bool)
        /// One of several words, the first of which is the default.
        case choice([String])
    }

    let name: String
    let form: Form
    /// The purpose of the key, in whole sentences.
    let purpose: String

    init(_ name: String, _ form: Form, _ purpose: String) {
        (self.name, self.form, self.purpose) = (name, form, purpose)
    }

    /// Every key, by module, in the order of `config/kentongan.yaml`.
    static let all = broker + store + email + http + webhooks + operation + retention + data

    /// The key of this name; nil if no key has it.
    static func named(_ name: String) -> SettingKey? { byName[name] }

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// Whether the key takes several values.
    var isList: Bool {
        switch form {
        case .list: true
        case .secretURL(_, let isList): isList
        case .text, .secret, .integer, .flag, .choice: false
        }
    }

    /// Whether a variable with `_FILE` may name a file that holds the value.
    var isSecret: Bool {
        switch form {
        case .secret, .secretURL: true
        case .text, .list, .integer, .flag, .choice: false
        }
    }

    /// Whether `value` contains a secret.
    func holdsSecret(_ value: String) -> Bool {
        switch form {
        case .secret: !value.isEmpty
        case .secretURL: value.contains("@")
        case .text, .list, .integer, .flag, .choice: false
        }
    }

    /// The sections of the file, such as `mail` and `mail.bounces`.
    static let sections: [String] = {
        let sections = all.flatMap { key -> [String] in
            let parts = key.name.split(separator: ".").dropLast()
            return parts.indices.map { parts[...$0].joined(separator: ".") }
        }
        return Array(Set(sections)).sorted()
    }()

    /// The environment variable of the key: `KENTONGAN_HTTP_PUBLIC_URL` for `http.publicURL`.
    var variable: String {
        var variable = SettingsReader.prefix
        var wasLowercase = false
        for character in name {
            if character.isUppercase, wasLowercase { variable += "_" }
            variable += character == "." ? "_" : character.uppercased()
            wasLowercase = character.isLowercase
        }
        return variable
    }
}
