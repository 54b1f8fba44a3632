// The package is the library of everything that operators do. Each operation is a function of a principal and of typed
// input; it returns values and prints nothing. The command line, the HTTP API and the pages read text (`Input`), call an
// operation (`Operations`) and write the result (`Output`).

/// The party in whose name an operation runs.
package enum Principal: Sendable, Equatable {
    /// Does everything. The command line runs on the store's own machine and acts as the operator.
    case `operator`
    /// Reads everything and changes nothing.
    case reader
    /// Reads and withdraws the bulletins of one publisher, and rehearses new ones. It does not read deliveries, which hold
    /// the addresses of subscribers.
    case publisher(String)

    /// Throws `OperationError` of the kind `forbidden` unless the principal has the permission.
    func require(_ permission: Permission) throws(OperationError) {
        guard has(permission) else { throw .forbidden("\(self) may not \(permission)") }
    }

    private func has(_ permission: Permission) -> Bool {
        switch (self, permission) {
        case (.operator, _), (.reader, .read), (.reader, .readBulletins): true
        case (.publisher(let slug), .readBulletins(let owner)), (.publisher(let slug), .publish(let owner)):
            slug == owner
        case (.reader, .change), (.reader, .publish), (.publisher, .read), (.publisher, .change): false
        }
    }
}

extension Principal: CustomStringConvertible {
    package var description: String {
        switch self {
        case .operator: "the operator"
        case .reader: "a read-only principal"
        case .publisher(let slug): "the publisher \(slug)"
        }
    }
}

/// An act that an operation performs, as far as permissions tell acts apart.
enum Permission: CustomStringConvertible {
    /// Read anything in the store.
    case read
    /// Change anything in the store.
    case change
    /// Read the bulletins of one publisher.
    case readBulletins(of: String)
    /// Issue, rehearse or withdraw bulletins in the name of one publisher.
    case publish(as: String)

    var description: String {
        switch self {
        case .read: "read this"
        case .change: "change this"
        case .readBulletins(let publisher): "read bulletins of \(publisher)"
        case .publish(let publisher): "publish as \(publisher)"
        }
    }
}
