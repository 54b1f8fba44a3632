/// The reason why an operation was not performed. The store is as it was before, unless the operation says otherwise.
package struct OperationError: Error, Sendable, Equatable {
    package enum Kind: Sendable {
        /// The principal lacks the permission.
        case forbidden
        /// The input breaks a rule.
        case invalid
        /// Nothing bears the given number, name or address.
        case unknown
        /// The input is good, and the present state of the thing rules the operation out.
        case conflict
    }

    package let kind: Kind
    /// States the fault and its place.
    package let problem: String
    /// States the remedy in terms of the command line; other callers may leave it out.
    package let advice: String?
    /// The faults of single rows, in their order, where the input was a file.
    package let faults: [RowFault]

    private init(_ kind: Kind, _ problem: String, advice: String? = nil, faults: [RowFault] = []) {
        (self.kind, self.problem, self.advice, self.faults) = (kind, problem, advice, faults)
    }

    static func forbidden(_ problem: String) -> OperationError { OperationError(.forbidden, problem) }

    package static func invalid(_ problem: String, advice: String? = nil, faults: [RowFault] = []) -> OperationError {
        OperationError(.invalid, problem, advice: advice, faults: faults)
    }

    static func unknown(_ problem: String, advice: String) -> OperationError {
        OperationError(.unknown, problem, advice: advice)
    }

    static func conflict(_ problem: String, advice: String? = nil) -> OperationError {
        OperationError(.conflict, problem, advice: advice)
    }
}

extension OperationError: CustomStringConvertible {
    package var description: String { problem + (advice.map { "; \($0)" } ?? "") }
}

/// A fault of one row of a file.
package struct RowFault: Sendable, Equatable {
    /// The line on which the row begins, counted from 1.
    package let line: Int
    package let reason: String
}

/// Puts a number before its noun, in the singular or the plural.
func counted(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
