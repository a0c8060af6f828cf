// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

interface Pays {
    function transfer(address to, uint256 value) external;
}

/// Sends coins on from inside a call, in all the ways that leave no transaction of their own.
contract Sender {
    receive() external payable {}

    function send(address payable to, uint256 value) public payable {
        (bool done,) = to.call{value: value}("");
        require(done, "refused");
    }

    function sendMany(address payable[] calldata to, uint256 value) external payable {
        for (uint256 i = 0; i < to.length; i++) send(to[i], value);
    }

    /// Pays, then takes everything back by failing.
    function sendAndFail(address payable to, uint256 value) external payable {
        send(to, value);
        revert("changed my mind");
    }

    /// The inner call pays and reverts; the outer one goes on and succeeds.
    function sendInVain(address payable to, uint256 value) external payable {
        try this.sendAndFail{value: value}(to, value) {} catch {}
    }

    /// One in vain and one for good, so that a path must count the reverted frame too.
    function sendTwice(address payable to, uint256 value) external payable {
        try this.sendAndFail{value: value}(to, value) {} catch {}
        send(to, value);
    }

    function end(address payable to) external payable {
        selfdestruct(to);
    }

    /// The payment lies `depth` calls deep.
    function deep(address payable to, uint256 value, uint256 depth) external payable {
        if (depth == 0) send(to, value);
        else this.deep{value: value}(to, value, depth - 1);
    }

    function tokens(Pays token, address[] calldata to, uint256 value) external {
        for (uint256 i = 0; i < to.length; i++) token.transfer(to[i], value);
    }
}

/// Takes no coins.
contract Refuser {
    function touch() external {}
}

/// Takes coins, but wants more gas for it than a plain transfer has.
contract Thirsty {
    uint256 public times;

    receive() external payable {
        times += 1;
    }
}
