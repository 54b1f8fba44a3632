import Foundation

extension Error {
    /// The text of the error for logs and operators.
    ///
    /// Errors of this program and of NIO describe themselves. Foundation's errors print their domain and code, and keep
    /// the reason in `localizedDescription`.
    package var spoken: String {
        let text = String(describing: self)
        guard self is CocoaError || self is URLError || self is POSIXError || text.hasPrefix("Error Domain=") else {
            return text
        }
        return localizedDescription
    }
}

extension Duration {
    /// The duration in its natural unit: `0.7 s`, `12 s`, `5 min`, `2 h`, and `250 ms` below half a second.
    package var spoken: String {
        let seconds = self / .seconds(1)
        func number(_ value: Double, _ unit: String) -> String {
            let tenths = (value * 10).rounded()
            let text =
                value < 10 && tenths.truncatingRemainder(dividingBy: 10) != 0
                ? "\(tenths / 10)" : "\(Int(value.rounded()))"
            return "\(text) \(unit)"
        }
        return switch seconds {
        case ..<0.5: number((seconds * 1000).rounded(), "ms")
        case ..<120: number(seconds, "s")
        case ..<7200: number(seconds / 60, "min")
        default: number(seconds / 3600, "h")
        }
    }
}
