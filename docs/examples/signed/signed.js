// The signed API from Node.js 18 or newer, with nothing installed.
//
//     BASE=http://127.0.0.1:8000 ACCESS_KEY=ak_test_… SECRET_KEY=… node signed.js
//
// Makes every call once and prints each answer on a line. `calculate_hmac` is the published sample, as it stands.
const crypto = require('crypto');
const { BASE, ACCESS_KEY, SECRET_KEY } = process.env;

function calculate_hmac(secret, timestamp, body, path, method = 'GET') {
  const hmac = crypto.createHmac('sha256', secret);
  // Build the message like: method + "\n" + path + "\n" + body + "\n" + timestamp + "\n"
  hmac.update(method, 'utf8');
  hmac.update('\n', 'utf8');
  hmac.update(path, 'utf8');
  hmac.update('\n', 'utf8');
  hmac.update(body, 'utf8');
  hmac.update('\n', 'utf8');
  hmac.update(String(timestamp), 'utf8');
  hmac.update('\n', 'utf8');
  return hmac.digest('hex'); // lowercase hex string
}

// `body` is the text that is signed; `content` is what is sent, if it is not that text.
async function call(method, path, body, content = body) {
  const timestamp = Date.now();
  const headers = {
    'Access-Key': ACCESS_KEY,
    Timestamp: String(timestamp),
    Signature: calculate_hmac(SECRET_KEY, timestamp, body, path, method),
  };
  if (typeof content === 'string' && method === 'POST') headers['Content-Type'] = 'application/json';
  const response = await fetch(`${BASE}/${path}`, { method, headers, body: method === 'POST' ? content : undefined });
  return response.json();
}

// A multipart body, as curl's --form sends it.
function form(fields) {
  const made = new FormData();
  for (const [name, value] of Object.entries(fields)) made.append(name, value);
  return made;
}

async function main() {
  const orderId = process.argv[2] || `node-${Date.now()}`;
  const link = {
    user_id: 'a42332-2fs-q341-d36d34', order_id: orderId, amount: 100, method: 'UPI', redirect_url: 'http://test.com',
  };
  const payout = {
    beneficiary_name: 'Test Name', beneficiary_email: 'test.test@gmail.com', beneficiary_mobile_no: 7878787878,
    beneficiary_address: 'NOIDA', payment_method: 'IMPS', beneficiary_acc_no: '99999999999', bank_name: 'SBI',
    ifsc: 'SBIN0060589', amount: 5, remarks: null, order_id: orderId, user_id: 'hasd-feh32-sdfs-345',
  };
  const question = { order_id: orderId };
  const answers = [
    await call('GET', 'api/v1/balance', ''),
    await call('POST', 'api/v1/payin/generate/link', JSON.stringify(link)),
    await call('POST', 'api/v1/payin/transactions', JSON.stringify(question), form(question)),
    await call('POST', 'api/v1/payout/initiate', JSON.stringify(payout)),
    await call('GET', `api/v1/payout/${orderId}/status`, ''),
  ];
  for (const answer of answers) console.log(JSON.stringify(answer));
}

main();
