// SPDX-License-Identifier: Apache-2.0
internal import Posix

/// Puts a failed call into words.
func naming<Value>(
    _ what: String, _ name: @autoclosure () -> String, hint: String = "", _ body: () throws(ErrorNumber) -> Value
) throws(StorageError) -> Value {
    do {
        return try body()
    } catch {
        throw StorageError(what, name(), code: error.code, hint: hint)
    }
}
