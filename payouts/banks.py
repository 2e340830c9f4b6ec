"""Indian banks by the first four letters of their IFSC, and what an IFSC and an account number look like.

The table holds the banks with most accounts; another bank's IFSC is as good, only its name is not known here.
"""

from __future__ import annotations

import re

IFSC = re.compile(r"[A-Z]{4}0[A-Z0-9]{6}", re.ASCII)
ACCOUNT_NUMBER = re.compile(r"[0-9]{9,18}", re.ASCII)
BANKS = {
    "AIRP": "Airtel Payments Bank", "AUBL": "AU Small Finance Bank", "BARB": "Bank of Baroda",
    "BDBL": "Bandhan Bank", "BKID": "Bank of India", "CBIN": "Central Bank of India", "CITI": "Citibank",
    "CIUB": "City Union Bank", "CNRB": "Canara Bank", "CSBK": "CSB Bank", "DBSS": "DBS Bank India",
    "DCBL": "DCB Bank", "DEUT": "Deutsche Bank", "DLXB": "Dhanlaxmi Bank", "ESFB": "Equitas Small Finance Bank",
    "FDRL": "Federal Bank", "FINO": "Fino Payments Bank", "HDFC": "HDFC Bank", "HSBC": "HSBC India",
    "IBKL": "IDBI Bank", "ICIC": "ICICI Bank", "IDFB": "IDFC FIRST Bank", "IDIB": "Indian Bank",
    "INDB": "IndusInd Bank", "IOBA": "Indian Overseas Bank", "IPOS": "India Post Payments Bank",
    "JAKA": "Jammu and Kashmir Bank", "JIOP": "Jio Payments Bank", "JSFB": "Jana Small Finance Bank",
    "KARB": "Karnataka Bank", "KKBK": "Kotak Mahindra Bank", "KVBL": "Karur Vysya Bank",
    "MAHB": "Bank of Maharashtra", "NSPB": "NSDL Payments Bank", "PSIB": "Punjab and Sind Bank",
    "PUNB": "Punjab National Bank", "RATN": "RBL Bank", "SBIN": "State Bank of India",
    "SCBL": "Standard Chartered Bank", "SIBL": "South Indian Bank", "SRCB": "Saraswat Bank",
    "SVCB": "SVC Co-operative Bank", "TMBL": "Tamilnad Mercantile Bank",
    "UBIN": "Union Bank of India", "UCBA": "UCO Bank", "UJVN": "Ujjivan Small Finance Bank",
    "UTIB": "Axis Bank", "UTKS": "Utkarsh Small Finance Bank", "YESB": "Yes Bank",
}


def bank_of(ifsc: str) -> str:
    """The bank's name, or an empty text for one that is not in the table."""
    return BANKS.get(ifsc[:4], "")
