extension Duration {
    /// As people say it: `0.7 s`, `12 s`, `5 min`, `2 h`, and `250 ms` below half a second.
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
